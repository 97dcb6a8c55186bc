// Jenkins, by the shared step: a build that has failed waits for people. This repository is one of
// the shared libraries of Jenkins, under the name converge; CONVERGE_URL and CONVERGE_KEYS are global
// environment variables.
@Library('converge') _
pipeline {
  agent any
  options {
    timeout(time: 2, unit: 'HOURS')
  }
  stages {
    stage('Test') {
      steps {
        sh 'make test'
      }
    }
  }
  post {
    failure {
      converge server: env.CONVERGE_URL, keys: env.CONVERGE_KEYS
    }
  }
}

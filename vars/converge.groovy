// Jenkins: a step of a shared library. It lets people log in to the build and waits for them:
//
//   post { failure { converge server: 'https://converge.example', keys: 'ssh-ed25519 AAAA… ann' } }
//
// server: the server's address. keys: public keys, one a line. wait: how long to wait without
// input, 10m unless given. id: the name to log in to, the job's with the build's number unless given.
def call(Map options) {
  def environment = [
    "CONVERGE_URL=${options.server}",
    "CONVERGE_KEYS=${options.keys ?: ''}",
    "CONVERGE_WAIT=${options.wait ?: '10m'}",
    "CONVERGE_ID=${options.id ?: "${env.JOB_BASE_NAME}-${env.BUILD_NUMBER}"}"
  ]
  withEnv(environment) {
    sh '''
      dir=$(mktemp -d)
      printf '%s\\n' "$CONVERGE_KEYS" > "$dir/authorized_keys"
      curl -fsSL -o "$dir/agent" "$CONVERGE_URL/static/agent-$(uname -s)-$(uname -m)"
      chmod 755 "$dir/agent"
      "$dir/agent" --authorized-keys "$dir/authorized_keys" --expiry "$CONVERGE_WAIT" "$CONVERGE_URL"
    '''
  }
}

#!/bin/sh
# Any job that runs a shell: people can log in from the start, and if the job fails, it waits ten
# minutes for them. Needs CONVERGE_URL and CONVERGE_KEYS in the environment.
set -eu

echo "$CONVERGE_KEYS" > .authorized_keys
curl -fsSL -o agent "$CONVERGE_URL/static/agent-$(uname -s)-$(uname -m)"
chmod 755 agent
./agent --detach --hold "$CONVERGE_URL"

if make test; then
  ./agent stop
else
  status=$?
  ./agent wait
  exit "$status"
fi

#!/usr/bin/env bash
# Measures the edge beside nginx and HAProxy, as far as they are installed, and writes docs/benchmarks.md.
#
#   ./bench.sh                          everything, five times: some twenty minutes on an otherwise idle machine
#   ./bench.sh --runs 1 --only echo     what begins with "echo", once; to standard output
#
# Takes the ports 9700 to 9750 of 127.0.0.1 and at most 20,000 descriptors a process.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 PATH="$PATH:/usr/sbin"
dotnet build tests/OrleansEdge.Compare -c Release -v quiet
dotnet build src/OrleansEdge.Standalone -c Release -v quiet
ulimit -n "$(ulimit -Hn)"
[ $# -eq 0 ] && set -- --out docs/benchmarks.md

# Clients and origin take as little of the cores as they can; the edge runs with the runtime's defaults.
export DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS=1
exec dotnet tests/OrleansEdge.Compare/bin/Release/net10.0/OrleansEdge.Compare.dll --edge src/OrleansEdge.Standalone/bin/Release/net10.0/OrleansEdge.Standalone.dll "$@"

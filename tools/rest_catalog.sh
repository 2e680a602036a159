#!/usr/bin/env bash
# Fetches the REST catalog of the tests from Maven Central, once, and checks it file by file.
# Without Java, Maven or a network it does nothing: the tests that need the server say so and are
# skipped. A file that is not the expected one is an error.
set -euo pipefail
cd "$(dirname "$0")/.."
parts=tests/rest_catalog
jars=.venv/rest-catalog
if ! command -v java >/dev/null || ! command -v mvn >/dev/null; then
  echo "no Java (17 or later) and Maven here: the tests of REST catalogs will be skipped"
  exit 0
fi
if [[ ! -d $jars || $parts/jars.sha256 -nt $jars ]]; then
  fetched=$(mktemp -d .venv/rest-catalog.XXXXXX)
  trap 'rm -rf "$fetched"' EXIT
  if ! mvn --quiet --batch-mode --no-transfer-progress --file "$parts/pom.xml" \
    org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
    "-DoutputDirectory=$PWD/$fetched"; then
    echo "Maven could not fetch the REST catalog: its tests will be skipped"
    exit 0
  fi
  (cd "$fetched" && sha256sum --quiet --strict --check "$OLDPWD/$parts/jars.sha256")
  chmod 755 "$fetched"
  rm -rf "$jars"
  mv "$fetched" "$jars"
  touch "$jars"
fi

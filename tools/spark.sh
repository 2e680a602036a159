#!/usr/bin/env bash
# Fetches Apache Spark and what lets it write Iceberg files, once, and checks them file by file:
# PySpark into .venv, the jar into .venv/spark-jars. Nothing but the Spark engine needs either.
set -euo pipefail
cd "$(dirname "$0")/.."
artifact=org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.11.0
sums=requirements/spark-jars.sha256
jars=.venv/spark-jars

for tool in java mvn; do
  if ! command -v "$tool" >/dev/null; then
    printf 'error: there is no %s here\nhint: %s\n' "$tool" \
      "install Java 17 or later and Maven; on Debian and Ubuntu: apt install default-jdk-headless maven" >&2
    exit 1
  fi
done
export PIP_DISABLE_PIP_VERSION_CHECK=1
.venv/bin/python -m pip install --quiet --require-hashes -r requirements/spark.lock
if [[ ! -d $jars || $sums -nt $jars ]]; then
  fetched=$(mktemp -d .venv/spark-jars.XXXXXX)
  trap 'rm -rf "$fetched"' EXIT
  mvn --quiet --batch-mode --no-transfer-progress \
    org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
    "-Dartifact=$artifact" "-DoutputDirectory=$PWD/$fetched"
  (cd "$fetched" && sha256sum --quiet --strict --check "$OLDPWD/$sums")
  chmod 755 "$fetched"
  rm -rf "$jars"
  mv "$fetched" "$jars"
  touch "$jars"
fi

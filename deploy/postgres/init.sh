#!/bin/sh
# Makes the second database, and the gateway's user, who may only read. The image runs this once, when it has made the
# first database and its owner.
set -eu
first=${POSTGRES_DB:?}
password=$(cat "${READER_PASSWORD_FILE:?}")
run() { psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:?}" "$@"; }
run --dbname="$first" --set=password="$password" <<'SQL'
CREATE ROLE gateway_reader LOGIN PASSWORD :'password';
CREATE DATABASE healthdb;
SQL
for database in "$first" healthdb; do
    run --dbname="$database" --file="${READER_SQL:?}"
done

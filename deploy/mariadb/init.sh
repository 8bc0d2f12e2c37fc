#!/bin/sh
# Makes the gateway's user, who may only read. The image runs this once, when it has made the database and its owner.
# The password goes into a statement: only letters and digits, as README.md makes it.
set -eu
administrator=${ADMINISTRATOR:-root}
MYSQL_PWD=$(cat "${MARIADB_ROOT_PASSWORD_FILE:?}")
export MYSQL_PWD
password=$(cat "${READER_PASSWORD_FILE:?}")
case $password in
    *[!0-9A-Za-z]* | '') echo "the reader's password is not of letters and digits" >&2; exit 1 ;;
esac
{
    echo "CREATE USER gateway_reader@'%' IDENTIFIED BY '$password';"
    cat "${READER_SQL:?}"
} | mariadb --user="$administrator" --database="${MARIADB_DATABASE:?}"

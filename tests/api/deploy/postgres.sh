# As the official image's entry point: makes the cluster at the first start, then becomes it.
set -eu
data=/var/lib/postgresql/data
as="setpriv --reuid=postgres --regid=postgres --init-groups"
if [ ! -s "$data/PG_VERSION" ]; then
    chown postgres: "$data"
    chmod 700 "$data"
    umask 077
    printf %s "$POSTGRES_PASSWORD" > /tmp/password
    chown postgres: /tmp/password
    $as initdb --pgdata="$data" --username="$POSTGRES_USER" --pwfile=/tmp/password \
        --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8
    echo 'host all all all scram-sha-256' >> "$data/pg_hba.conf"
    $as pg_ctl --pgdata="$data" --options="-c listen_addresses=''" --wait start
    $as createdb --username="$POSTGRES_USER" "$POSTGRES_DB"
    $as pg_ctl --pgdata="$data" --wait stop
fi
exec $as postgres -D "$data" -c "listen_addresses=*"

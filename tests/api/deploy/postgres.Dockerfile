# Stands in for the official image where none can be pulled: the same variables, data directory
# and rights, with Debian's server.
FROM debian:trixie-slim
RUN apt-get -qq update \
 && DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends postgresql \
 && rm -rf /var/lib/apt/lists/*
COPY postgres.sh /usr/local/bin/
ENV PATH=/usr/lib/postgresql/17/bin:/usr/local/bin:/usr/bin:/bin
VOLUME /var/lib/postgresql/data
ENTRYPOINT ["sh", "/usr/local/bin/postgres.sh"]

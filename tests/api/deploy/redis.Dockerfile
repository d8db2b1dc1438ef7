# Stands in for the official image where none can be pulled.
FROM debian:trixie-slim
RUN apt-get -qq update \
 && DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends redis-server \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /data

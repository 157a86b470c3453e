# The server with everything on: TLS to Postgres and files in S3. Built in one stage, run in another that holds the binary alone.
#
# Base images are pinned by version. To pin them to the byte, append the digest that
#   docker buildx imagetools inspect rust:1.95.0-slim-bookworm
# prints to the name:  FROM rust:1.95.0-slim-bookworm@sha256:…  (likewise for debian), and renew it with every version.
#
# `make bare` runs these very steps without Docker. It knows FROM, ARG, ENV, WORKDIR, COPY, RUN, USER, VOLUME, EXPOSE, HEALTHCHECK
# and ENTRYPOINT in their plain forms, so keep to those (no RUN --mount, no heredocs).

FROM rust:1.95.0-slim-bookworm AS build
# For OpenSSL, built from its sources: make and perl. For the S3 client's TLS, also from its sources: cmake and a C++ compiler.
RUN apt-get update \
 && apt-get install -y --no-install-recommends make perl cmake g++ \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build

# The dependencies first, in a layer of their own: it is built anew only when they change.
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
RUN mkdir src benches \
 && echo 'fn main() {}' > src/main.rs \
 && touch src/lib.rs benches/pieces.rs \
 && cargo build --profile production --locked --features tls,s3 \
 && rm -rf src

# Cargo goes by the time of a file's last change: the real sources must look newer than the empty ones just built.
COPY . .
RUN touch src/main.rs src/lib.rs \
 && cargo build --profile production --locked --features tls,s3 \
 && mkdir /out \
 && cp target/production/handbooks /out/handbooks \
 && /out/handbooks --version

FROM debian:12.11-slim
# Nothing is installed: of the certificates of the build stage, the one file that TLS clients read.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/handbooks /usr/local/bin/handbooks
RUN useradd --system --uid 10001 --user-group --home-dir /data --shell /usr/sbin/nologin handbooks \
 && mkdir /data \
 && chown handbooks:handbooks /data

ENV DATABASE_URL=sqlite:/data/handbooks.db
ENV HANDBOOKS_BIND=0.0.0.0:8080
# OpenSSL, built from its sources, would look where Debian has nothing.
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt

USER handbooks
WORKDIR /data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 CMD ["handbooks", "check"]
ENTRYPOINT ["handbooks"]

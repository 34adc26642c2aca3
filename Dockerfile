# syntax=docker/dockerfile:1

# One image for every service: SERVICES says what a container runs, all of them where it is empty.
#
#   docker build -t maily-analytics --build-arg REVISION="$(git rev-parse HEAD)" .
#   docker run --read-only -p 127.0.0.1:4000:4000 -v analytics:/data -e API_KEYS=... maily-analytics
#
# The image brings Node 24 itself, so the packages that carry one (optional) are left out.

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci --omit=optional --ignore-scripts
COPY . .
# `dist` mirrors the sources' folders: what is found beside them is found beside what is built. Whoever runs
# the image may read it, also where the checkout's files are their owner's alone.
# The page is made ready here, for a container that may not write beside its packages.
RUN npm run build && node dist/workers/page.worker.js dist/page \
    && chmod -R u+rwX,go=rX dist node_modules/.cache/maily-analytics

FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --omit=optional --ignore-scripts

FROM node:24-slim
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Maily analytics" \
      org.opencontainers.image.description="Event analytics: collect over REST, count exactly once, ask in milliseconds" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="docker.io/library/node:24-slim"

# Production and an address that others reach: the gateway does not start without API_KEYS. Few arenas,
# as in `npm start`: threads that allocate each in one of their own keep memory that others could use.
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    DATA_DIR=/data \
    MALLOC_ARENA_MAX=2 \
    MALLOC_MMAP_THRESHOLD_=131072 \
    MALLOC_TRIM_THRESHOLD_=131072

WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY --from=build /app/node_modules/.cache/maily-analytics ./node_modules/.cache/maily-analytics
COPY --from=build /app/dist ./dist
COPY --chmod=644 LICENSE package.json docs/deploy/healthcheck.mjs \
     docs/deploy/backup.mjs docs/deploy/restore.mjs docs/deploy/archive.mjs ./

# All that is ever written, and only by a process with an embedded part: mount a volume there for one of
# those. A new volume takes this folder's owner and mode. It is no VOLUME, which would leave an empty one
# behind for each process that writes nothing.
RUN install -d -o node -g node -m 700 /data

# By number, so that Kubernetes can tell that it is not root: `node` of the base image.
USER 1000:1000
EXPOSE 4000
STOPSIGNAL SIGTERM
# Healthy once it was ready, and from then on while it answers.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --start-interval=1s --retries=3 \
  CMD ["node", "healthcheck.mjs"]
ENTRYPOINT ["node", "--max-semi-space-size=16", "--no-parallel-scavenge", "node_modules/moleculer/bin/moleculer-runner.mjs", "--config", "dist/moleculer.config.js"]

# A coordinator in a container. Built in one stage, run in another that has neither compilers nor npm's cache.
#
#   docker build -t manyhands .
#   docker run -p 7700:7700 -v manyhands:/data manyhands
#
# Alone it runs a Redis of its own in /data; with MANYHANDS_REDIS_URL it uses that one (deploy/compose.yaml).

FROM node:20.20-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM node:20.20-bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends redis-server \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -o node -g node -m 700 /data
WORKDIR /opt/manyhands
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
ENV NODE_ENV=production MANYHANDS_HOST=0.0.0.0 MANYHANDS_DATA=/data
# The image's own unprivileged account, with the id 1000.
USER node
VOLUME /data
EXPOSE 7700
STOPSIGNAL SIGTERM
# A coordinator whose Redis replays a large journal does not listen yet: ten minutes are given for that.
HEALTHCHECK --interval=15s --timeout=5s --start-period=10m --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:7700/healthz').then((reply) => process.exit(reply.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/cli/main.js"]
CMD ["coordinator"]

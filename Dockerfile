FROM node:24-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# No scripts: the only one fetches the Node that this image has already.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:24-slim
# Tool servers start processes of their own. Some outlive their parent, and whatever runs as process 1
# must reap them: tini does.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends tini \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
COPY bin bin
COPY package.json LICENSE ./
# The container's own bind: its network is what `docker run --publish` opens, and no more.
RUN mkdir /config /data \
 && echo '{ "mcpServers": {}, "gateway": { "host": "0.0.0.0" } }' > /config/servers.json \
 && chmod 755 /app/bin/toolgate.js \
 && ln -s /app/bin/toolgate.js /usr/local/bin/toolgate \
 && chown node:node /config /config/servers.json /data
ENV NODE_ENV=production \
    TOOLGATE_ALLOW_ANY_HOST=true \
    TOOLGATE_CONFIG=/config/servers.json \
    TOOLGATE_DATA=/data
USER node
WORKDIR /config
VOLUME /data
EXPOSE 8931
# The gateway notes there where it listens, so another port is no trouble.
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s CMD ["node", "--eval", \
  "fetch(JSON.parse(fs.readFileSync('/data/gateway.json', 'utf8')).url + '/livez').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["/usr/bin/tini", "--", "toolgate"]
CMD ["serve"]

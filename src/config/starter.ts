/** What `toolgate init` writes. */
export const STARTER = `{
  // The servers behind the gateway, in the form that Claude Desktop, Cursor and others use too.
  // Saving this file is enough: a running gateway takes the change over.
  "mcpServers": {
    // A program on this machine. Relative paths start at the folder of this file.
    // "files": {
    //   "command": "npx",
    //   "args": ["-y", "@modelcontextprotocol/server-filesystem", "."]
    // },

    // A server that runs elsewhere. \${NAME} is an environment variable of the gateway.
    // "tickets": {
    //   "url": "https://mcp.example.com/mcp",
    //   "headers": { "Authorization": "Bearer \${TICKETS_TOKEN}" }
    // }
  },

  "gateway": {
    "host": "127.0.0.1",
    "port": 8931
  }
}
`;

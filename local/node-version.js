// Runs before everything else, on whatever Node.js the machine has; so it is plain JavaScript.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `Afterglow needs Node.js 22.18 or newer here, this is ${process.version}: on Linux and Windows \`npm ci\` brings its own (not with --omit=optional), on macOS install it from nodejs.org.`,
  );
  process.exit(1);
}

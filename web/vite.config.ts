import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [react()],
  build: { target: "es2022" },
  // `npm run dev` beside a host started with `make start`.
  server: { proxy: { "/api": "http://127.0.0.1:7071" } },
  test: { include: ["tests/**/*.test.{ts,tsx}"] },
});

import "./styles/index.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { takeTokenFromAddress } from "./api/session";
import { App } from "./App";

takeTokenFromAddress();
// A link with another token opened in this very tab: start over with it.
addEventListener("hashchange", () => takeTokenFromAddress() && location.reload());

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);

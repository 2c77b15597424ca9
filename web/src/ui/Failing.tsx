import { Component } from "react";

import { Notice } from "./parts";

interface Props {
  children: React.ReactNode;
}

/** Says so when a screen cannot be loaded or shown, and leaves the rest of the page as it is. */
export class Failing extends Component<Props, { error: Error | undefined }> {
  override state: { error: Error | undefined } = { error: undefined };

  static getDerivedStateFromError(error: unknown): { error: Error } {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render(): React.ReactNode {
    if (this.state.error === undefined) return this.props.children;
    return (
      <Notice
        title="This screen cannot be shown."
        action="Load the page again: the server may have a newer one. If it stays so, tell whoever runs it what stands here."
      >
        <p className="muted">{this.state.error.message}</p>
        <button type="button" className="button" onClick={() => location.reload()}>
          Load again
        </button>
      </Notice>
    );
  }
}

/** Empty screens that say how to fill them. */
import { href } from "../router";

export function NoWorkflows() {
  return (
    <section className="empty">
      <h1>No workflows yet</h1>
      <p>
        A workflow says which agents work on a task, in which order, and what stops them. Write one as YAML, or begin
        with the examples:
      </p>
      <pre>
        <code>
          {"meta-agents apply examples/        # agents and workflows, checked before anything changes\n"}
          {"meta-agents list workflows"}
        </code>
      </pre>
      <p>Once applied, they appear here, ready to start.</p>
    </section>
  );
}

export function NoExecutions({ filtered }: { filtered: boolean }) {
  if (filtered) return <p className="empty">No execution has this status. Choose another, or all.</p>;
  return (
    <section className="empty">
      <h2>Nothing has been started yet</h2>
      <p>
        An execution is one go of a workflow. It survives crashes and restarts, and you can watch its agents write.{" "}
        <a href={href(["start"])}>Start one here</a>, or from a terminal:
      </p>
      <pre>
        <code>meta-agents run WORKFLOW --set topic="Solar lanterns"</code>
      </pre>
    </section>
  );
}

export function NoApprovals() {
  return (
    <section className="empty">
      <h2>Nothing waits for a human</h2>
      <p>
        An <code>approval</code> step asks a yes or no, <code>on_error</code> can ask what to do about a failure, and a
        human can take part in a chat. What they ask, of whatever execution, appears here until it is answered.
      </p>
    </section>
  );
}

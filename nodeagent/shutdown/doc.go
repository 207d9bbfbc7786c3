// Package shutdown has the pods of a node end in good order before its machine goes down: the kubelet's graceful node shutdown.
//
// While the agent runs it holds the machine's shutdown back, by a delay lock of logind (systemd) that it is given over D-Bus. When logind
// says that the machine is about to go down, pods are asked to end by their priorities, the least first; each range of priorities has its
// own time, and the next one begins when all pods of it have ended or that time is over. Then the lock is let go, and the machine goes
// down.
//
// It is a loop of package engine with one key:
//
//   - Observe looks whether the machine goes down, and which pods there are that have not ended.
//   - Plan says which of them are to end now, and with what grace. It is pure.
//   - A step ends a pod (package pods does it), or lets the machine go.
//
// What it promises: from the moment that logind says so the node is not ready and lets no pod in; a pod gets the grace of its spec or the
// time of its range, whichever is less; the machine is held back no longer than all ranges take together. A shutdown that is called off
// makes the node ready again, and the machine is held back anew; pods that were asked to end have ended.
//
// On a machine without logind nothing is held back, which is said once.
package shutdown

package pods

import "context"

// assign gives the pod what it is to have for itself of the node, or fails it.
type assign struct {
	reason
	underWay
}

const assignTask = "assign what it has for itself"

func (s *assign) Verb() string { return "assign" }
func (s *assign) String() string {
	return "assign to the pod what it is to have for itself of the node"
}
func (s *assign) Task() string { return assignTask }

// Do never fails: a pod that cannot be given what it asks for cannot run here.
func (s *assign) Do(ctx context.Context, a *actor) error {
	refused := a.Host.Assign(ctx, a.pod())
	if refused == nil || ctx.Err() != nil { // nobody wants it any more
		return nil //nolint:nilerr // whoever called it off needs no reason
	}
	a.change(a.uid(), func(w *worker) { w.reject(refused) })
	a.tellRejected(a.pod(), refused)
	a.wakePending()
	return nil
}

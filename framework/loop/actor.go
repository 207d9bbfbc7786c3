package loop

import (
	"context"
	"encoding/json"

	"github.com/orrery-dev/orrery/framework/plan"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// actor is what the steps of one pass act with: a client whose every write goes into the ledger.
type actor struct {
	client.Client
	cluster  Cluster
	name     string
	key      client.ObjectKey
	ledger   *ledger
	versions versions
}

var _ plan.Actor = (*actor)(nil)

func newActor(name string, key client.ObjectKey, cluster Cluster, ledger *ledger) *actor {
	return &actor{
		Client:   cluster.Client,
		cluster:  cluster,
		name:     name,
		key:      key,
		ledger:   ledger,
		versions: versions{byUID: map[types.UID]string{}},
	}
}

func (a *actor) Live() client.Reader                      { return a.cluster.Live }
func (a *actor) FieldOwner() client.FieldOwner            { return client.FieldOwner(a.name) }
func (a *actor) ResourceVersion(obj client.Object) string { return a.versions.of(obj) }
func (a *actor) SubResource(s string) client.SubResourceClient {
	return &subresource{a.Client.SubResource(s), a}
}
func (a *actor) Status() client.SubResourceWriter { return a.SubResource("status") }

func (a *actor) Record(e plan.Event) {
	if e.Regarding == nil || a.cluster.Events == nil {
		return
	}
	if e.Type == "" {
		e.Type = plan.Normal
	}
	if e.Action == "" {
		e.Action = e.Reason
	}
	var related runtime.Object
	if e.Related != nil {
		related = e.Related
	}
	a.cluster.Events.Eventf(e.Regarding, related, string(e.Type), e.Reason, e.Action, "%s", e.Message)
}

func (a *actor) Create(ctx context.Context, obj client.Object, opts ...client.CreateOption) error {
	return a.wrote(obj, a.Client.Create(ctx, obj, opts...))
}

func (a *actor) Update(ctx context.Context, obj client.Object, opts ...client.UpdateOption) error {
	return a.wrote(obj, a.Client.Update(ctx, obj, opts...))
}

func (a *actor) Patch(ctx context.Context, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
	return a.wrote(obj, a.Client.Patch(ctx, obj, patch, opts...))
}

func (a *actor) Delete(ctx context.Context, obj client.Object, opts ...client.DeleteOption) error {
	err := a.Client.Delete(ctx, obj, opts...)
	if err == nil {
		a.ledger.record(a.key, write{obj: obj, deleted: true}, a.cluster.Clock.Now())
	}
	return err
}

func (a *actor) Apply(ctx context.Context, config runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
	if err := a.Client.Apply(ctx, config, opts...); err != nil {
		return err
	}
	applied := a.typed(config)
	if applied == nil {
		return nil
	}
	return a.wrote(applied, nil)
}

// typed is the object of an apply configuration, which the server's answer has been read into, in the form that the
// scheme has for its kind; nil where the scheme has none, for then no typed read can be behind.
func (a *actor) typed(config runtime.ApplyConfiguration) client.Object {
	data, err := json.Marshal(config)
	if err != nil {
		return nil
	}
	var answered struct {
		metav1.TypeMeta   `json:",inline"`
		metav1.ObjectMeta `json:"metadata"`
	}
	if err := json.Unmarshal(data, &answered); err != nil {
		return nil
	}
	empty, err := a.Scheme().New(answered.GroupVersionKind())
	if err != nil {
		empty = &unstructured.Unstructured{Object: map[string]any{}}
		empty.GetObjectKind().SetGroupVersionKind(answered.GroupVersionKind())
	}
	obj, ok := empty.(client.Object)
	if !ok {
		return nil
	}
	obj.SetName(answered.Name)
	obj.SetNamespace(answered.Namespace)
	obj.SetUID(answered.UID)
	obj.SetResourceVersion(answered.ResourceVersion)
	return obj
}

// wrote notes a write that succeeded, and passes the error on.
func (a *actor) wrote(obj client.Object, err error) error {
	if err == nil {
		a.versions.set(obj)
		a.ledger.record(a.key, write{obj: obj}, a.cluster.Clock.Now())
	}
	return err
}

// subresource is a subresource client whose writes of the object go into the ledger. Creating one (a binding, an
// eviction, a token) answers with another kind, and leaves the object's version unknown.
type subresource struct {
	client.SubResourceClient
	actor *actor
}

func (s *subresource) Update(ctx context.Context, obj client.Object, opts ...client.SubResourceUpdateOption) error {
	return s.actor.wrote(obj, s.SubResourceClient.Update(ctx, obj, opts...))
}

func (s *subresource) Patch(ctx context.Context, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
	return s.actor.wrote(obj, s.SubResourceClient.Patch(ctx, obj, patch, opts...))
}

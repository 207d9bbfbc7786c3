package loop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/plan"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// nameAttempts is how many generated names may be taken already before a create gives up, as in the API server.
const nameAttempts = 8

// actor is what the steps of one pass act with: a client whose every write goes into the ledger.
type actor struct {
	client.Client
	cluster  Cluster
	reads    *reads
	name     string
	key      client.ObjectKey
	ledger   *ledger
	versions versions
	turn     engine.Turn
	talk     *talk
}

var _ plan.Actor = (*actor)(nil)

func newActor(p *passes, key client.ObjectKey, turn engine.Turn) *actor {
	return &actor{
		turn:     turn,
		reads:    p.reads,
		Client:   p.Cluster.Client,
		cluster:  p.Cluster,
		name:     p.name,
		key:      key,
		ledger:   p.ledger,
		talk:     p.talk,
		versions: versions{byUID: map[types.UID]string{}},
	}
}

func (a *actor) Live() client.Reader                      { return a.cluster.Live }
func (a *actor) Now() time.Time                           { return a.cluster.Clock.Now() }
func (a *actor) FieldOwner() client.FieldOwner            { return client.FieldOwner(a.name) }
func (a *actor) SideBySide() int                          { return a.cluster.SideBySide }
func (a *actor) ResourceVersion(obj client.Object) string { return a.versions.of(obj) }
func (a *actor) SubResource(s string) client.SubResourceClient {
	return &subresource{a.Client.SubResource(s), a}
}
func (a *actor) Status() client.SubResourceWriter { return a.SubResource("status") }

func (a *actor) Record(e plan.Event) {
	if e.Type == "" {
		e.Type = plan.Normal
	}
	if e.Regarding == nil || a.cluster.Events == nil || !a.talk.may(e) {
		return
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

func (a *actor) RecordOnce(e plan.Event) {
	if e.Regarding == nil {
		return
	}
	subject := fmt.Sprintf("event %s %s %s", e.Regarding.GetUID(), client.ObjectKeyFromObject(e.Regarding), e.Reason)
	if a.turn.First(subject, e.Message) {
		a.Record(e)
	}
}

func (a *actor) Create(ctx context.Context, obj client.Object, opts ...client.CreateOption) error {
	if obj.GetName() != "" || obj.GetGenerateName() == "" {
		return a.wrote(obj, a.Client.Create(ctx, obj, opts...))
	}
	return a.createNamed(ctx, obj, opts...)
}

// createNamed generates the name here and not in the API server: when the answer gets lost, the ledger can then ask
// whether the object has come into being.
func (a *actor) createNamed(ctx context.Context, obj client.Object, opts ...client.CreateOption) error {
	var err error
	for range nameAttempts {
		obj.SetName(a.cluster.Names(obj.GetGenerateName()))
		if err = a.wrote(obj, a.Client.Create(ctx, obj, opts...)); !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	obj.SetName("")
	return err
}

func (a *actor) Update(ctx context.Context, obj client.Object, opts ...client.UpdateOption) error {
	return a.wrote(obj, a.Client.Update(ctx, obj, opts...))
}

func (a *actor) Patch(ctx context.Context, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
	return a.wrote(obj, a.Client.Patch(ctx, obj, patch, opts...))
}

func (a *actor) Delete(ctx context.Context, obj client.Object, opts ...client.DeleteOption) error {
	err := a.Client.Delete(ctx, withoutType(obj), opts...)
	a.note(write{obj: obj, deleted: true}, err)
	return err
}

// withoutType is what to name an object by that is to be deleted. Of one that is known by its metadata controller-runtime
// would read the answer, which is the whole object while finalizers hold it, by the scheme, and so fail for other kinds.
func withoutType(obj client.Object) client.Object {
	if _, partial := obj.(*metav1.PartialObjectMetadata); !partial {
		return obj
	}
	named := &unstructured.Unstructured{}
	named.SetGroupVersionKind(obj.GetObjectKind().GroupVersionKind())
	named.SetNamespace(obj.GetNamespace())
	named.SetName(obj.GetName())
	return named
}

// DeleteAllOf notes each object that the cache says the call is about. Kinds that the loop does not read are not looked
// for, as nobody waits to see them go.
func (a *actor) DeleteAllOf(ctx context.Context, obj client.Object, opts ...client.DeleteAllOfOption) error {
	about, err := a.matching(ctx, obj, opts)
	if err != nil {
		return err
	}
	err = a.Client.DeleteAllOf(ctx, obj, opts...)
	for _, each := range about {
		a.note(write{obj: each, deleted: true}, err)
	}
	return err
}

// matching are the objects in the cache that a DeleteAllOf is about.
func (a *actor) matching(ctx context.Context, obj client.Object, opts []client.DeleteAllOfOption) ([]client.Object, error) {
	forms := a.reads.formsOf(obj)
	if len(forms) == 0 {
		return nil, nil
	}
	options := (&client.DeleteAllOfOptions{}).ApplyOptions(opts)
	list, err := listOf(forms[0], a.Scheme())
	if err != nil {
		return nil, fmt.Errorf("finding what to delete: %w", err)
	}
	if err := a.Client.List(ctx, list, &options.ListOptions); err != nil {
		return nil, fmt.Errorf("finding what to delete: %w", err)
	}
	var found []client.Object
	err = meta.EachListItem(list, func(item runtime.Object) error {
		found = append(found, item.(client.Object))
		return nil
	})
	return found, err
}

func (a *actor) Apply(ctx context.Context, config runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
	return a.applied(config, a.Client.Apply(ctx, config, opts...))
}

// applied notes what was applied, and passes the error on.
func (a *actor) applied(config runtime.ApplyConfiguration, err error) error {
	if obj := a.typed(config); obj != nil {
		return a.wrote(obj, err)
	}
	return err
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

// wrote notes a write that succeeded or may have, and passes the error on.
func (a *actor) wrote(obj client.Object, err error) error {
	if err == nil {
		a.versions.set(obj)
	}
	a.note(write{obj: obj}, err)
	return err
}

// wroteUnseen notes a write whose answer does not tell the object's new version: another kind was answered.
func (a *actor) wroteUnseen(obj client.Object, err error) error {
	if err == nil {
		a.versions.unset(obj)
		a.ledger.record(a.key, write{obj: obj, doubtful: true, answered: true}, a.cluster.Lag.Now())
		return nil
	}
	a.note(write{obj: obj}, err)
	return err
}

// answered notes a write of obj whose answer was read into body; nil means into obj itself. A body that carries the UID of
// the object, as a scale does, carries its new version too.
func (a *actor) answered(obj, body client.Object, err error) error {
	switch {
	case body == nil:
		return a.wrote(obj, err)
	case err == nil && body.GetUID() != "" && body.GetUID() == obj.GetUID():
		told := obj.DeepCopyObject().(client.Object)
		told.SetResourceVersion(body.GetResourceVersion())
		return a.wrote(told, nil)
	default:
		return a.wroteUnseen(obj, err)
	}
}

// note puts a write into the ledger, unless it certainly had no effect.
func (a *actor) note(w write, err error) {
	if w.doubtful = err != nil; w.doubtful && refused(err) {
		return
	}
	a.ledger.record(a.key, w, a.cluster.Lag.Now())
}

// refused reports that a write had no effect: the API server said so. After any other error, a timeout or a connection
// that broke, it may have had one.
func refused(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status) && status.Status().Code < http.StatusInternalServerError
}

// subresource is a subresource client whose writes of the object go into the ledger.
type subresource struct {
	client.SubResourceClient
	actor *actor
}

// Create answers with another kind, as a binding, an eviction or a token.
func (s *subresource) Create(ctx context.Context, obj, sub client.Object, opts ...client.SubResourceCreateOption) error {
	return s.actor.wroteUnseen(obj, s.SubResourceClient.Create(ctx, obj, sub, opts...))
}

func (s *subresource) Update(ctx context.Context, obj client.Object, opts ...client.SubResourceUpdateOption) error {
	options := (&client.SubResourceUpdateOptions{}).ApplyOptions(opts)
	return s.actor.answered(obj, options.SubResourceBody, s.SubResourceClient.Update(ctx, obj, opts...))
}

func (s *subresource) Apply(ctx context.Context, config runtime.ApplyConfiguration, opts ...client.SubResourceApplyOption) error {
	return s.actor.applied(config, s.SubResourceClient.Apply(ctx, config, opts...))
}

func (s *subresource) Patch(ctx context.Context, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
	options := (&client.SubResourcePatchOptions{}).ApplyOptions(opts)
	return s.actor.answered(obj, options.SubResourceBody, s.SubResourceClient.Patch(ctx, obj, patch, opts...))
}

package restore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/util/retry"
)

// fieldManager is whose the fields of restored objects are.
const fieldManager = "orrery-restore"

const (
	// tries is how often a step is taken anew that met an object which had changed.
	tries = 5
	// patience is how long what a step relies on may take to come, and lookEvery how often it is looked for.
	patience  = 30 * time.Second
	lookEvery = 100 * time.Millisecond
)

// Report is what came of a restore. Its JSON is stable: fields may be added.
type Report struct {
	// Done are the steps that were taken, in order.
	Done []Step `json:"done"`
	// Failed are those that the cluster refused.
	Failed []Failure `json:"failed"`
	Rest
}

// Failure is a step that was refused, and how.
type Failure struct {
	Step
	Error string `json:"error"`
}

// Run restores, in rounds: it observes, plans and acts until there is nothing left that can be done. say is told of each step that was
// taken. A step that the cluster refuses ends nothing else, unless it is the one that makes the namespace. The error is that of what could not
// even be looked at; the report is what was done before it.
func Run(ctx context.Context, s *Snapshot, cluster Place, request Request, say func(Step)) (Report, error) {
	r := &run{cluster: cluster, say: say, report: Report{Done: []Step{}, Failed: []Failure{}}, tried: map[string]int{}}
	for {
		world, err := Observe(ctx, s, cluster, request)
		if err != nil {
			return r.report, err
		}
		plan, err := Make(world, request)
		if err != nil {
			return r.report, err
		}
		r.report.Rest = plan.Rest
		r.report.Existing = slices.DeleteFunc(plan.Existing, r.wrote)
		steps := r.left(plan.Steps)
		if len(steps) == 0 {
			return r.report, nil
		}
		if err := r.take(ctx, &world, steps); err != nil {
			return r.report, err
		}
	}
}

// run is a restore under way.
type run struct {
	cluster Place
	say     func(Step)
	report  Report
	tried   map[string]int // by what a step does to which object
}

func (s Step) key() string { return string(s.Verb) + " " + s.APIVersion + " " + s.Object() }

// wrote reports that an object is there, or as it is, by this restore.
func (r *run) wrote(e Entry) bool {
	return slices.ContainsFunc(r.report.Done, func(s Step) bool { return s.APIVersion == e.APIVersion && s.Object() == e.Object() })
}

// left are the steps that were not taken, or refused, before.
func (r *run) left(steps []Step) (left []Step) {
	for _, s := range steps {
		if r.tried[s.key()] < tries {
			left = append(left, s)
		}
	}
	return left
}

// take takes steps. Each is taken once, but for one that met what it did not expect: that is for the next round.
func (r *run) take(ctx context.Context, world *World, steps []Step) error {
	for _, s := range steps {
		err := r.write(ctx, world, &s)
		moved := apierrors.IsAlreadyExists(err) || apierrors.IsConflict(err)
		switch key := s.key(); {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			r.tried[key] = tries
			r.report.Done = append(r.report.Done, s)
			r.say(s)
		case moved && r.tried[key] < tries-1:
			r.tried[key]++
		default:
			r.tried[key] = tries
			r.report.Failed = append(r.report.Failed, Failure{s, err.Error()})
			if s.Kind == namespaceKind.Kind {
				return fmt.Errorf("making namespace %s: %w", s.Name, err)
			}
		}
	}
	return nil
}

// write takes a step.
func (r *run) write(ctx context.Context, world *World, s *Step) error {
	resource, served := world.resource(schema.FromAPIVersionAndKind(s.APIVersion, s.Kind))
	if !served {
		return &meta.NoKindMatchError{GroupKind: s.kind()}
	}
	api := r.cluster.objects.Resource(resource).Namespace(s.Namespace)
	var err error
	switch s.Verb {
	case Create:
		err = r.create(ctx, api, s)
	case Replace:
		var replaced *unstructured.Unstructured
		if replaced, err = api.Update(ctx, s.object, metav1.UpdateOptions{FieldManager: fieldManager}); err == nil {
			giveBack(ctx, api, replaced, s)
		}
	case Patch:
		_, err = api.Patch(ctx, s.Name, types.MergePatchType, s.patch, metav1.PatchOptions{FieldManager: fieldManager})
	}
	return err
}

// create makes an object.
func (r *run) create(ctx context.Context, api dynamic.ResourceInterface, s *Step) error {
	if s.kind() == podKind {
		r.cluster.awaitAccount(ctx, s.object)
	}
	made, err := api.Create(ctx, s.object, metav1.CreateOptions{FieldManager: fieldManager})
	if err != nil {
		return err
	}
	giveBack(ctx, api, made, s)
	if s.kind() == definitionKind {
		return r.cluster.awaitServed(ctx, s.object)
	}
	return nil
}

// giveBack has the fields of an object that was written be managed by who managed them, or says why not. Otherwise a server-side apply by
// those would meet a conflict with this restore. The server does not take it from the request that writes them.
func giveBack(ctx context.Context, api dynamic.ResourceInterface, written *unstructured.Unstructured, s *Step) {
	if len(s.managers) == 0 {
		return
	}
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		ofStatus := slices.DeleteFunc(written.GetManagedFields(), func(m metav1.ManagedFieldsEntry) bool { return m.Subresource == "" })
		patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
			"resourceVersion": written.GetResourceVersion(), "managedFields": slices.Concat(s.managers, ofStatus),
		}})
		if err != nil {
			return err
		}
		_, err = api.Patch(ctx, s.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: fieldManager})
		if apierrors.IsConflict(err) { // a controller has begun with it
			if now, getErr := api.Get(ctx, s.Name, metav1.GetOptions{}); getErr == nil {
				written = now
			}
		}
		return err
	})
	if err != nil {
		s.Why += fmt.Sprintf("; its fields are managed by %s now: %v", fieldManager, err)
	}
}

// awaitAccount waits for the service account that a pod is not admitted without. In a namespace that was just made it comes in a
// moment; where it does not, the API server says so of the pod.
func (p Place) awaitAccount(ctx context.Context, pod *unstructured.Unstructured) {
	name := textAt(pod, "spec", "serviceAccountName")
	if name == "" {
		name = "default"
	}
	accounts := schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}
	_ = wait.PollUntilContextTimeout(ctx, lookEvery, patience, true, func(ctx context.Context) (bool, error) { // see above
		account, err := p.get(ctx, accounts, pod.GetNamespace(), name)
		return account != nil, err
	})
}

// awaitServed waits until the API server serves a kind that was just defined.
func (p Place) awaitServed(ctx context.Context, definition *unstructured.Unstructured) error {
	plural := textAt(definition, "spec", "names", "plural")
	of := schema.GroupResource{Group: textAt(definition, "spec", "group"), Resource: plural}
	version := schema.GroupVersion{Group: of.Group, Version: storageVersions([]*unstructured.Unstructured{definition})[of]}
	err := wait.PollUntilContextTimeout(ctx, lookEvery, patience, true, func(context.Context) (bool, error) {
		list, err := p.kinds.ServerResourcesForGroupVersion(version.String())
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		return err == nil && slices.ContainsFunc(list.APIResources, func(r metav1.APIResource) bool { return r.Name == plural }), err
	})
	if err != nil {
		return fmt.Errorf("waiting until %s is served: %w", of, err)
	}
	return nil
}

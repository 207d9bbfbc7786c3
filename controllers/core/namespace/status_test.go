package namespace

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/controllers/internal/kinds"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

var (
	noon   = time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)
	pods   = kinds.Kind{GroupVersionKind: corev1.SchemeGroupVersion.WithKind("Pod"), Resource: "pods"}
	deploy = kinds.Kind{GroupVersionKind: schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, Resource: "deployments"}
)

// terminating is a namespace that was deleted at noon.
func terminating() *corev1.Namespace {
	deleted := metav1.NewTime(noon)
	return &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{Name: "shop", DeletionTimestamp: &deleted},
		Spec:       corev1.NamespaceSpec{Finalizers: []corev1.FinalizerName{corev1.FinalizerKubernetes}},
	}
}

// leaving is an object that was deleted, and whose grace ends so long after noon.
func leaving(grace time.Duration, finalizers ...string) metav1.PartialObjectMetadata {
	ends := metav1.NewTime(noon.Add(grace))
	return metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: &ends, Finalizers: finalizers}}
}

func TestConditionsSayWhatKeepsANamespace(t *testing.T) {
	const (
		discovered = "False ResourcesDiscovered: All resources successfully discovered"
		parsed     = "False ParsedGroupVersions: All legacy kube types successfully parsed"
		deleted    = "False ContentDeleted: All content successfully deleted, may be waiting on finalization"
		removed    = "False ContentRemoved: All content successfully removed"
		finalized  = "False ContentHasNoFinalizers: All content-preserving finalizers finished"
	)
	silent := schema.GroupVersion{Group: "metrics.example.com", Version: "v1"}
	refused := errors.New("the server does not answer")
	for _, test := range []struct {
		name   string
		world  world
		failed error
		want   [5]string
	}{
		{"nothing does", world{}, nil, [5]string{discovered, parsed, deleted, removed, finalized}},
		{
			"a group that does not answer",
			world{discovery: failureOf(t, nil, &discovery.ErrGroupDiscoveryFailed{Groups: map[schema.GroupVersion]error{silent: refused}})}, nil,
			[5]string{
				"True DiscoveryFailed: Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: metrics.example.com/v1: the server does not answer",
				parsed, deleted, removed, finalized,
			},
		},
		{
			"an API server that does not answer", world{discovery: failureOf(t, nil, refused)}, nil,
			[5]string{"True DiscoveryFailed: the server does not answer", parsed, deleted, removed, finalized},
		},
		{
			"a version that makes no sense", world{discovery: failureOf(t, []*metav1.APIResourceList{{GroupVersion: "a/b/c"}}, nil)}, nil,
			[5]string{discovered, "True GroupVersionParsingFailed: unexpected GroupVersion string: a/b/c", deleted, removed, finalized},
		},
		{
			"kinds that cannot be listed or deleted",
			world{contents: []content{{kind: deploy, err: errors.New("listing deployments.apps: no")}}},
			errors.Join(errors.New("deleting secrets: no"), errors.New("deleting configmaps: no")),
			[5]string{
				discovered, parsed,
				"True ContentDeletionFailed: Failed to delete all resource types, 3 remaining: deleting configmaps: no, deleting secrets: no, listing deployments.apps: no",
				removed, finalized,
			},
		},
		{
			"objects with finalizers",
			world{contents: []content{
				{kind: deploy, objects: []metav1.PartialObjectMetadata{leaving(0, "a.example.com/x"), leaving(0, "b.example.com/y")}},
				{kind: pods, objects: []metav1.PartialObjectMetadata{leaving(0, "a.example.com/x")}},
			}}, nil,
			[5]string{
				discovered, parsed, deleted,
				"True SomeResourcesRemain: Some resources are remaining: deployments.apps has 2 resource instances, pods. has 1 resource instances",
				"True SomeFinalizersRemain: Some content in the namespace has finalizers remaining: a.example.com/x in 2 resource instances, b.example.com/y in 1 resource instances",
			},
		},
		{
			"a pod that ends in time", world{contents: []content{{kind: pods, objects: []metav1.PartialObjectMetadata{leaving(30 * time.Second)}}}}, nil,
			[5]string{discovered, parsed, deleted, "True SomeResourcesRemain: Some resources are remaining: pods. has 1 resource instances", finalized},
		},
		{
			"a pod that should have ended", world{contents: []content{{kind: pods, objects: []metav1.PartialObjectMetadata{leaving(time.Second)}}}}, nil,
			[5]string{
				discovered, parsed,
				"True ContentDeletionFailed: Failed to delete all resource types, 1 remaining: unexpected items still remain in namespace: shop for gvr: /v1, Resource=pods",
				"True SomeResourcesRemain: Some resources are remaining: pods. has 1 resource instances", finalized,
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			told := status(terminating(), test.world, test.failed, noon.Add(10*time.Second))
			var got [5]string
			for i, condition := range told.Status.Conditions {
				got[i] = fmt.Sprintf("%s %s: %s", condition.Status, condition.Reason, condition.Message)
			}
			if diff := cmp.Diff(test.want, got); diff != "" || told.Status.Phase != corev1.NamespaceTerminating {
				t.Errorf("the phase is %s and the conditions (-want +got):\n%s", told.Status.Phase, diff)
			}
		})
	}
}

// failureOf is how discovery fails that answers so.
func failureOf(t *testing.T, lists []*metav1.APIResourceList, err error) *kinds.Failure {
	t.Helper()
	var failure *kinds.Failure
	if _, err := (kinds.Source{Discovery: answering{lists, err}}).Kinds(t.Context()); !errors.As(err, &failure) {
		t.Fatalf("discovery says %v", err)
	}
	return failure
}

func TestAConditionKeepsItsTimeWhileItsStatusDoes(t *testing.T) {
	namespace := status(terminating(), world{contents: []content{{kind: pods, objects: []metav1.PartialObjectMetadata{leaving(time.Minute), leaving(time.Minute)}}}}, nil, noon)
	later := noon.Add(time.Second)
	fewer := status(namespace, world{contents: []content{{kind: pods, objects: []metav1.PartialObjectMetadata{leaving(time.Minute)}}}}, nil, later)
	none := status(fewer, world{}, nil, later)
	remaining := func(n *corev1.Namespace) time.Time { return n.Status.Conditions[3].LastTransitionTime.Time }
	if !remaining(fewer).Equal(noon) || !remaining(none).Equal(later) {
		t.Errorf("that content remains has the times %s and %s, want %s while something does, and then %s", remaining(fewer), remaining(none), noon, later)
	}
}

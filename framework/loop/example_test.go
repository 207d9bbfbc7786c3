package loop_test

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/orrery-dev/orrery/framework/conditions"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// This is a whole controller. In a project it is a folder with a file for each of the parts below, and the type is in
// another, with the code that controller-gen writes for it.

// ---- website_types.go: what a user asks for, and what the controller answers.

// Website has pages. They are kept in a ConfigMap of the website's name, for some web server to mount.
type Website struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              WebsiteSpec   `json:"spec,omitempty"`
	Status            WebsiteStatus `json:"status,omitempty"`
}

type WebsiteSpec struct {
	// Pages are the texts of the pages, by their paths.
	Pages map[string]string `json:"pages,omitempty"`
}

type WebsiteStatus struct {
	// ObservedGeneration is the generation of the spec that the conditions speak of.
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions has Ready: whether the ConfigMap holds the pages.
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// ---- controller.go: the loop, and what wakes it besides a change of a Website.

type controller struct{}

func websites() loop.Loop {
	return loop.New("websites", controller{}, loop.Watches(ofSameName))
}

// ofSameName wakes the website that a ConfigMap is for, or is in the way of. loop.Owns would wake it only for its own.
func ofSameName(_ context.Context, _ client.Reader, pages *corev1.ConfigMap) ([]client.ObjectKey, error) {
	return []client.ObjectKey{client.ObjectKeyFromObject(pages)}, nil
}

// ---- observe.go: everything that the decision needs to know.

type world struct {
	// pages is the ConfigMap of the website's name; nil if there is none.
	pages *corev1.ConfigMap
}

func (controller) Observe(ctx context.Context, view loop.View, site *Website) (world, error) {
	pages := &corev1.ConfigMap{}
	key := client.ObjectKeyFromObject(site)
	if err := view.Get(ctx, key, pages); apierrors.IsNotFound(err) {
		return world{}, nil
	} else if err != nil {
		return world{}, fmt.Errorf("reading ConfigMap %s: %w", key, err)
	}
	return world{pages: pages}, nil
}

// ---- plan.go: the decision. It has no client, no clock and no logger, and changes nothing.

func (controller) Plan(site *Website, w world, now time.Time) *plan.Plan {
	p := plan.New()
	switch {
	case site.DeletionTimestamp != nil:
		return p // the ConfigMap goes with its owner
	case w.pages == nil:
		p.Create("the website has no ConfigMap yet", configMap(site)).OwnedBy(site)
	case metav1.IsControlledBy(w.pages, site):
		wanted := w.pages.DeepCopy()
		wanted.Data = site.Spec.Pages
		p.Patch(fmt.Sprintf("generation %d of the website says so", site.Generation), w.pages, wanted)
	}
	p.Status(site, withStatus(site, w, now))
	return p
}

func configMap(site *Website) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: site.Namespace, Name: site.Name},
		Data:       site.Spec.Pages,
	}
}

// ---- status.go: what can be said of the website, judging by what was observed and not by what was just planned.

func withStatus(site *Website, w world, now time.Time) *Website {
	site = site.DeepCopy()
	site.Status.ObservedGeneration = site.Generation
	site.Status.Conditions = conditions.Meta.Set(site.Status.Conditions, ready(site, w), now)
	return site
}

func ready(site *Website, w world) metav1.Condition {
	c := metav1.Condition{Type: "Ready", Status: metav1.ConditionFalse, ObservedGeneration: site.Generation}
	switch {
	case w.pages == nil:
		c.Reason, c.Message = "Publishing", "the website has no ConfigMap yet"
	case !metav1.IsControlledBy(w.pages, site):
		c.Reason, c.Message = "NameTaken", fmt.Sprintf("ConfigMap %s belongs to somebody else: delete it, or rename the website", site.Name)
	case !maps.Equal(w.pages.Data, site.Spec.Pages):
		c.Reason, c.Message = "Publishing", "the ConfigMap holds other pages"
	default:
		c.Status = metav1.ConditionTrue
		c.Reason, c.Message = "Published", fmt.Sprintf("pages published: %d", len(site.Spec.Pages))
	}
	return c
}

// ---- And this is how it behaves. In a project, main adds the loop to a manager instead: websites().AddTo(mgr, loop.Options{}).

func Example() {
	ctx := context.Background()
	cluster := looptest.NewWorld(websiteScheme()) // an API server in memory
	websites := websites()
	reconciler := websites.Reconciler(loop.Cluster{Client: cluster.Client("websites"), Clock: cluster.Clock()})

	blog := &Website{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "blog"},
		Spec:       WebsiteSpec{Pages: map[string]string{"index.html": "Hello"}},
	}
	key := client.ObjectKeyFromObject(blog)
	pass := func() {
		preview, err := websites.Preview(ctx, cluster.Client("reader"), key, cluster.Now())
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(preview)
		if _, err := reconciler.Reconcile(ctx, reconcile.Request{NamespacedName: key}); err != nil {
			fmt.Println(err)
		}
	}

	fmt.Println("# a user creates a website")
	cluster.Put(blog)
	pass()
	pass()
	pass()

	fmt.Println("# somebody overwrites its page")
	pages := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "blog"}}
	looptest.Edit(cluster, "somebody", pages, func(c *corev1.ConfigMap) { c.Data["index.html"] = "Goodbye" })
	pass()

	// Output:
	// # a user creates a website
	// create ConfigMap default/blog: the website has no ConfigMap yet
	// status Website default/blog {"status":{"conditions":[{"lastTransitionTime":"2026-01-01T09:00:00Z","message":"the website has no ConfigMap yet","observedGeneration":1,"reason":"Publishing","status":"False","type":"Ready"}],"observedGeneration":1}}
	// status Website default/blog {"status":{"conditions":[{"lastTransitionTime":"2026-01-01T09:00:00Z","message":"pages published: 1","observedGeneration":1,"reason":"Published","status":"True","type":"Ready"}]}}
	// nothing to do
	// # somebody overwrites its page
	// patch ConfigMap default/blog {"data":{"index.html":"Hello"}}: generation 1 of the website says so
	// status Website default/blog {"status":{"conditions":[{"lastTransitionTime":"2026-01-01T09:00:00Z","message":"the ConfigMap holds other pages","observedGeneration":1,"reason":"Publishing","status":"False","type":"Ready"}]}}
}

func websiteScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	group := schema.GroupVersion{Group: "example.org", Version: "v1"}
	scheme.AddKnownTypes(group, &Website{}, &WebsiteList{})
	metav1.AddToGroupVersion(scheme, group)
	if err := corev1.AddToScheme(scheme); err != nil {
		panic(err) // it has no way to fail
	}
	return scheme
}

// ---- zz_generated.deepcopy.go: controller-gen writes this from the type.

type WebsiteList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Website `json:"items"`
}

func (in *Website) DeepCopy() *Website {
	out := &Website{TypeMeta: in.TypeMeta, ObjectMeta: *in.ObjectMeta.DeepCopy(), Status: in.Status}
	out.Spec.Pages = maps.Clone(in.Spec.Pages)
	out.Status.Conditions = append([]metav1.Condition(nil), in.Status.Conditions...)
	return out
}

func (in *Website) DeepCopyObject() runtime.Object { return in.DeepCopy() }

func (in *WebsiteList) DeepCopyObject() runtime.Object {
	out := &WebsiteList{TypeMeta: in.TypeMeta, ListMeta: in.ListMeta}
	for i := range in.Items {
		out.Items = append(out.Items, *in.Items[i].DeepCopy())
	}
	return out
}

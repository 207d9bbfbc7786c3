package restore_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/orrery-dev/orrery/internal/cli/restore"
)

// parse reads objects, each of which begins with its kind and name; those of the namespace shop need not say so.
func parse(t *testing.T, text string) (objects []*unstructured.Unstructured) {
	t.Helper()
	documents := yaml.NewYAMLOrJSONDecoder(bytes.NewBufferString(text), 4096)
	for {
		o := &unstructured.Unstructured{}
		switch err := documents.Decode(&o.Object); {
		case errors.Is(err, io.EOF):
			return objects
		case err != nil:
			t.Fatalf("%v in:\n%s", err, text)
		}
		if len(o.Object) > 0 {
			objects = append(objects, o)
		}
	}
}

var beyond = map[string]bool{
	"Namespace": true, "PersistentVolume": true, "StorageClass": true, "ClusterRole": true, "ClusterRoleBinding": true,
	"CustomResourceDefinition": true, "Node": true,
}

func ref(o *unstructured.Unstructured) restore.Ref {
	return restore.Ref{GroupKind: o.GroupVersionKind().GroupKind(), Namespace: o.GetNamespace(), Name: o.GetName()}
}

// observed is a world in which a cluster serves every kind of both, but for Gadgets.
func observed(t *testing.T, then, now string) restore.World {
	t.Helper()
	w := restore.World{
		ThenNamespace: parse(t, `{apiVersion: v1, kind: Namespace, metadata: {name: shop, uid: ns, labels: {kubernetes.io/metadata.name: shop, team: a}}, spec: {finalizers: [kubernetes]}}`)[0],
		Unread:        map[schema.GroupKind]error{},
		Beyond:        map[restore.Ref]*unstructured.Unstructured{},
		Now:           map[restore.Ref]*unstructured.Unstructured{},
		Unseen:        map[restore.Ref]error{},
		Served:        map[schema.GroupVersionKind]metav1.APIResource{},
	}
	serve := func(o *unstructured.Unstructured) {
		if o.GetKind() != "Gadget" {
			w.Served[o.GroupVersionKind()] = metav1.APIResource{Kind: o.GetKind(), Namespaced: !beyond[o.GetKind()]}
		}
	}
	for _, o := range parse(t, then) {
		serve(o)
		if beyond[o.GetKind()] {
			w.Beyond[ref(o)] = o
			continue
		}
		o.SetNamespace("shop")
		w.Then = append(w.Then, o)
	}
	for _, o := range parse(t, now) {
		serve(o)
		if !beyond[o.GetKind()] && o.GetNamespace() == "" {
			o.SetNamespace("shop")
		}
		w.Now[ref(o)] = o
	}
	return w
}

const shop = "{apiVersion: v1, kind: Namespace, metadata: {name: shop, uid: ns2}}\n---\n"

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, uid: d1, labels: {app: web}}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web-1, uid: r1, labels: {app: web}, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: d1, controller: true}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web-1-x, uid: p1, labels: {app: web, part: pod}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-1, uid: r1, controller: true}]}
---
`

func TestWhatIsDoneWithEachObject(t *testing.T) {
	for _, c := range []struct {
		name      string
		then, now string
		request   restore.Request
		want      string
	}{
		{
			name: "a namespace that is gone is made with its labels, and what a Deployment makes is left to it",
			then: deployment,
			want: `
create Namespace shop: it is not there
create Deployment shop/web: it is not there

left out:
  Pod shop/web-1-x: Deployment web makes it again
  ReplicaSet shop/web-1: Deployment web makes it again
`,
		},
		{
			name: "what has a controller that is there is left to it, also where that was not asked for",
			then: deployment, now: shop + `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, uid: d1, labels: {app: web}}}`,
			request: restore.Request{Selector: labels.SelectorFromSet(labels.Set{"part": "pod"})},
			want: `
nothing to do

left out:
  Pod shop/web-1-x: Deployment web is there and makes it again
`,
		},
		{
			name: "what was asked for without its controller, which is not there, is made without an owner",
			then: deployment, now: shop,
			request: restore.Request{Kinds: []schema.GroupKind{{Kind: "Pod"}}},
			want: `
create Pod shop/web-1-x: it is not there; without its owner ReplicaSet web-1, which is not there and not restored
`,
		},
		{
			name: "what has ended, was being deleted, or is of the moment is left out, with what depends on it",
			then: `
{apiVersion: batch/v1, kind: Job, metadata: {name: migrate, uid: j1}, status: {conditions: [{type: Complete, status: "True"}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: migrate-x, uid: p1, ownerReferences: [{apiVersion: batch/v1, kind: Job, name: migrate, uid: j1, controller: true}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: once, uid: p2}, status: {phase: Succeeded}}
---
{apiVersion: v1, kind: Pod, metadata: {name: proxy-one, uid: p3, ownerReferences: [{apiVersion: v1, kind: Node, name: one, uid: n1, controller: true}]}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: old, uid: c1, deletionTimestamp: "2026-11-30T12:00:00Z"}}
---
{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: leader, uid: l1}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: kube-root-ca.crt, uid: c2}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: default, uid: s1}, imagePullSecrets: [{name: regcred}]}
`,
			now: shop,
			want: `
nothing to do

left out:
  ServiceAccount shop/default: every namespace is given one; this one had imagePullSecrets, which --overwrite puts back
  ConfigMap shop/kube-root-ca.crt: every namespace is given the one of its cluster
  ConfigMap shop/old: it was being deleted when the snapshot was taken
  Lease shop/leader: who held it then does not hold it now
  Job shop/migrate: it had ended, and would run again
  Pod shop/migrate-x: it goes with Job migrate, which is left out: it had ended, and would run again
  Pod shop/once: it had ended, and would run again
  Pod shop/proxy-one: node one makes it by itself
`,
		},
		{
			name: "endpoints of a Service with a selector are made again, those of one without are restored",
			then: `
{apiVersion: v1, kind: Service, metadata: {name: web, uid: s1}, spec: {selector: {app: web}, clusterIP: 10.96.7.7, clusterIPs: [10.96.7.7]}}
---
{apiVersion: v1, kind: Endpoints, metadata: {name: web, uid: e1}}
---
{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: web-x, uid: e2, ownerReferences: [{apiVersion: v1, kind: Service, name: web, uid: s1, controller: true}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: outside, uid: s2}, spec: {clusterIP: None}}
---
{apiVersion: v1, kind: Endpoints, metadata: {name: outside, uid: e3}}
`,
			now: shop,
			want: `
create Endpoints shop/outside: it is not there
create Service shop/outside: it is not there
create Service shop/web: it is not there; it gets another cluster IP than 10.96.7.7

left out:
  EndpointSlice shop/web-x: Service web makes it again
  Endpoints shop/web: it is made again for Service web
`,
		},
		{
			name: "what others rely on is made first, workloads last, and a quota after all",
			then: deployment + `
{apiVersion: v1, kind: ResourceQuota, metadata: {name: all, uid: q1}}
---
{apiVersion: example.com/v1, kind: Widget, metadata: {name: w, uid: w1}}
---
{apiVersion: v1, kind: Secret, metadata: {name: word, uid: s1}}
---
{apiVersion: v1, kind: Secret, metadata: {name: robot, uid: s2, annotations: {kubernetes.io/service-account.name: robot}}, type: kubernetes.io/service-account-token}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: robot, uid: a1}}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, uid: c1}, spec: {}}
`,
			now:     shop,
			request: restore.Request{ExcludeKinds: []schema.GroupKind{{Group: "apps", Kind: "ReplicaSet"}, {Kind: "Pod"}}},
			want: `
create ServiceAccount shop/robot: it is not there
create Secret shop/robot: it is not there; its token is made anew, and differs
create Secret shop/word: it is not there
create PersistentVolumeClaim shop/data: it is not there
create Widget shop/w: it is not there
create Deployment shop/web: it is not there
create ResourceQuota shop/all: it is not there
`,
		},
		{
			name: "what exists stays, and is told: restored before, still there, or another one",
			then: `
{apiVersion: v1, kind: ConfigMap, metadata: {name: a, uid: a1}, data: {k: v}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: b, uid: b1}, data: {k: v}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: c, uid: c1}, data: {k: v}}
`,
			now: shop + `
{apiVersion: v1, kind: ConfigMap, metadata: {name: a, uid: a2, annotations: {orrery.dev/restored-uid: a1}}, data: {k: v}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: b, uid: b1}, data: {k: changed}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: c, uid: c2}, data: {k: v}}
`,
			want: `
nothing to do

there already, and left as it is:
  ConfigMap shop/a: it was restored, and is as in the snapshot
  ConfigMap shop/b: it is still the one that it was, and differs: --overwrite replaces it
  ConfigMap shop/c: another one has its name, and is as in the snapshot
`,
		},
		{
			name: "overwriting replaces what differs, but for what cannot be changed",
			then: `
{apiVersion: v1, kind: ConfigMap, metadata: {name: b, uid: b1}, data: {k: v}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: c, uid: c1}, data: {k: v}}
---
{apiVersion: v1, kind: Pod, metadata: {name: p, uid: p1}, spec: {hostname: x}}
`,
			now: shop + `
{apiVersion: v1, kind: ConfigMap, metadata: {name: b, uid: b1}, data: {k: changed}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: c, uid: c2}, data: {k: v}}
---
{apiVersion: v1, kind: Pod, metadata: {name: p, uid: p2}, spec: {hostname: y}}
`,
			request: restore.Request{Overwrite: true},
			want: `
replace ConfigMap shop/b: it is there, and differs

there already, and left as it is:
  ConfigMap shop/c: another one has its name, and is as in the snapshot
  Pod shop/p: another one has its name, and differs: little of a Pod can be changed: delete it, and restore again
`,
		},
		{
			name: "data is restored before what owns it",
			then: `
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db, uid: d1}}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data-db-0, uid: c1, ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: db, uid: d1, controller: true}]}, spec: {}}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: p-scratch, uid: c2, ownerReferences: [{apiVersion: v1, kind: Pod, name: p, uid: p1, controller: true}]}, spec: {}}
---
{apiVersion: v1, kind: Pod, metadata: {name: p, uid: p1}, spec: {}}
`,
			now: shop,
			want: `
create PersistentVolumeClaim shop/data-db-0: it is not there; before StatefulSet db, which would make another one; owned by StatefulSet db once that is there
create Pod shop/p: it is not there
create StatefulSet shop/db: it is not there

left out:
  PersistentVolumeClaim shop/p-scratch: Pod p makes it again
`,
		},
		{
			name: "an owner that has come is given what is its own",
			then: `
{apiVersion: example.com/v1, kind: Widget, metadata: {name: w, uid: w1}}
---
{apiVersion: v1, kind: Secret, metadata: {name: password, uid: s1, ownerReferences: [{apiVersion: example.com/v1, kind: Widget, name: w, uid: w1, controller: true}]}}
---
{apiVersion: v1, kind: Secret, metadata: {name: taken, uid: s2, ownerReferences: [{apiVersion: example.com/v1, kind: Widget, name: w, uid: w1, controller: true}]}}
`,
			now: shop + `
{apiVersion: example.com/v1, kind: Widget, metadata: {name: w, uid: w2, annotations: {orrery.dev/restored-uid: w1}}}
---
{apiVersion: v1, kind: Secret, metadata: {name: password, uid: s9, annotations: {orrery.dev/restored-uid: s1}}}
---
{apiVersion: v1, kind: Secret, metadata: {name: taken, uid: s8, annotations: {orrery.dev/restored-uid: s2}, ownerReferences: [{apiVersion: v1, kind: Other, name: o, uid: o1, controller: true}]}}
`,
			want: `
patch Secret shop/password: its owner is there now: Widget w

there already, and left as it is:
  Secret shop/password: it was restored, and is as in the snapshot
  Secret shop/taken: it was restored, and is as in the snapshot
  Widget shop/w: it was restored, and is as in the snapshot
`,
		},
		{
			name: "finalizers are kept where the cluster has their kinds",
			then: `{apiVersion: example.com/v1, kind: Widget, metadata: {name: w, uid: w1, finalizers: [example.com/clean, other.io/clean, kubernetes.io/x, foregroundDeletion]}}`,
			now:  shop,
			want: `
create Widget shop/w: it is not there; without finalizer other.io/clean, which nothing here would take away
`,
		},
		{
			name: "an object whose kind is not served waits for its definition",
			then: `
{apiVersion: example.com/v1, kind: Gadget, metadata: {name: g, uid: g1}}
---
{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: gadgets.example.com, uid: crd}, spec: {group: example.com, names: {kind: Gadget, plural: gadgets}}}
`,
			now: shop,
			want: `
nothing to do

cannot be restored:
  Gadget shop/g: the cluster does not know its kind: --include-crds makes CustomResourceDefinition gadgets.example.com too
`,
		},
		{
			name: "a definition is made before all, and what waits for it comes in the next round",
			then: `
{apiVersion: example.com/v1, kind: Gadget, metadata: {name: g, uid: g1}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: c, uid: c1, ownerReferences: [{apiVersion: example.com/v1, kind: Gadget, name: g, uid: g1}]}}
---
{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: gadgets.example.com, uid: crd}, spec: {group: example.com, names: {kind: Gadget, plural: gadgets}}}
`,
			request: restore.Request{Definitions: true},
			want: `
create CustomResourceDefinition gadgets.example.com: the cluster does not know this kind
create Namespace shop: it is not there
create ConfigMap shop/c: it is not there; owned by Gadget g once that is there

cannot be restored:
  Gadget shop/g: it waits for CustomResourceDefinition gadgets.example.com
`,
		},
		{
			name: "under another name nothing of the first is touched",
			then: deployment + `{apiVersion: v1, kind: Service, metadata: {name: web, uid: s1}, spec: {clusterIP: 10.96.7.7, ports: [{port: 80, protocol: TCP, nodePort: 30080}]}}`,
			now: shop + `
{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, uid: d1, labels: {app: web}}}
`,
			request: restore.Request{Into: "copy"},
			want: `
create Namespace copy: it is not there
create Service copy/web: it is not there; it gets another cluster IP than 10.96.7.7; it gets other node ports
create Deployment copy/web: it is not there

left out:
  Pod copy/web-1-x: Deployment web makes it again
  ReplicaSet copy/web-1: Deployment web makes it again
`,
		},
		{
			name: "what a namespace needs beyond itself is told",
			then: `
{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: read, uid: b1}, roleRef: {kind: ClusterRole, name: reader}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: reader}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: robot, uid: a1}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: robots}, subjects: [{kind: ServiceAccount, namespace: shop, name: robot}]}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, uid: c1}, spec: {storageClassName: fast}}
`,
			now: shop,
			want: `
create ServiceAccount shop/robot: it is not there
create RoleBinding shop/read: it is not there
create PersistentVolumeClaim shop/data: it is not there

to be seen to:
  ClusterRole reader: it is not there, and RoleBinding read names it: see 'orrery snapshot kubectl FILE get ClusterRole.rbac.authorization.k8s.io reader -o yaml'
  ClusterRoleBinding robots: it is not there, and gave rights to service account robot: see 'orrery snapshot kubectl FILE get ClusterRoleBinding.rbac.authorization.k8s.io robots -o yaml'
  StorageClass fast: it is not there, and PersistentVolumeClaim data names it: the snapshot has none either
`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.request.Namespace = "shop"
			plan, err := restore.Make(observed(t, c.then, c.now), c.request)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimPrefix(c.want, "\n"), plan.Text()); diff != "" {
				t.Errorf("the plan (-want +got):\n%s", diff)
			}
		})
	}
}

const claim = `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, uid: c1, annotations: {pv.kubernetes.io/bind-completed: "yes"}}
spec: {volumeName: pv1}
---
`

const retained = `{apiVersion: v1, kind: PersistentVolume, metadata: {name: pv1}, spec: {persistentVolumeReclaimPolicy: Retain}}`

func volume(phase, claim string) string {
	return shop + "{apiVersion: v1, kind: PersistentVolume, metadata: {name: pv1, resourceVersion: '7'}, spec: {claimRef: " + claim + "}, status: {phase: " + phase + "}}"
}

func TestWhatBecomesOfTheDataOfAClaim(t *testing.T) {
	const released = "{namespace: shop, name: data, uid: c1}"
	for _, c := range []struct {
		name, now string
		request   restore.Request
		want      string
	}{
		{
			"its volume is gone", shop, restore.Request{}, `
create PersistentVolumeClaim shop/data: it is not there; volume pv1 is not there any more: another one is provisioned, and is empty

to be seen to:
  PersistentVolume pv1: it is not there, and what it stood for was retained: see 'orrery snapshot kubectl FILE get PersistentVolume pv1 -o yaml'
`,
		},
		{
			"its volume is free", volume("Available", "null"), restore.Request{}, `
create PersistentVolumeClaim shop/data: it is not there; it is bound to volume pv1 again, which is free
`,
		},
		{
			"its volume was retained", volume("Released", released), restore.Request{}, `
create PersistentVolumeClaim shop/data: it is not there; it waits for volume pv1, which still has its data

to be seen to:
  PersistentVolume pv1: it is Released: --rebind-volumes lets it go from the claim that is no more, so that data is bound to it
`,
		},
		{
			"its volume was retained, and shall be bound again", volume("Released", released), restore.Request{RebindVolumes: true}, `
patch PersistentVolume pv1: it is Released: let it go from the claim that is no more, for claim shop/data
create PersistentVolumeClaim shop/data: it is not there; it is bound to volume pv1 again, with what is in that
`,
		},
		{
			"it waits since a restore that did not bind it",
			volume("Released", released) + "\n---\n{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, uid: c2, annotations: {orrery.dev/restored-uid: c1}}, spec: {volumeName: pv1}, status: {phase: Pending}}",
			restore.Request{RebindVolumes: true}, `
patch PersistentVolume pv1: it is Released: let it go from the claim that is no more, for claim shop/data

there already, and left as it is:
  PersistentVolumeClaim shop/data: it was restored, and is as in the snapshot
`,
		},
		{
			"its volume is in use, and it gets another name", volume("Bound", released), restore.Request{Into: "copy", RebindVolumes: true}, `
create Namespace copy: it is not there
create PersistentVolumeClaim copy/data: it is not there; volume pv1 is claimed by shop/data: another one is provisioned, and is empty
`,
		},
		{
			"its volume is another claim's", volume("Bound", "{namespace: shop, name: other, uid: o1}"), restore.Request{}, `
create PersistentVolumeClaim shop/data: it is not there; volume pv1 is claimed by shop/other: another one is provisioned, and is empty
`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.request.Namespace = "shop"
			plan, err := restore.Make(observed(t, claim+retained, c.now), c.request)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimPrefix(c.want, "\n"), plan.Text()); diff != "" {
				t.Errorf("the plan (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhereNothingCouldBeSeenNothingIsDone(t *testing.T) {
	w := observed(t, claim+deployment, shop)
	w.Unseen[restore.Ref{GroupKind: schema.GroupKind{Kind: "PersistentVolume"}, Name: "pv1"}] = errors.New("forbidden")
	w.Unseen[restore.Ref{GroupKind: schema.GroupKind{Group: "apps", Kind: "Deployment"}, Namespace: "shop", Name: "web"}] = errors.New("forbidden, too")
	plan, err := restore.Make(w, restore.Request{Namespace: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Steps) > 0 {
		t.Errorf("steps are %v, want none", plan.Steps)
	}
	if diff := cmp.Diff([]restore.Entry{
		{APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: "shop", Name: "data", Why: "what became of its volume pv1 could not be seen: forbidden"},
		{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "web", Why: "whether it is there could not be seen: forbidden, too"},
	}, plan.Blocked); diff != "" {
		t.Errorf("blocked (-want +got):\n%s", diff)
	}
}

func TestWhyNothingCanBeRestored(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*restore.World)
		now    string
		want   string
	}{
		"the snapshot has no such namespace": {func(w *restore.World) { w.ThenNamespace = nil }, "", `no namespace "shop"`},
		"a kind could not be read": {func(w *restore.World) {
			w.Unread[schema.GroupKind{Group: "example.com", Kind: "Widget"}] = errors.New("no webhook")
		}, "", "--exclude-kinds"},
		"the namespace is going": {func(*restore.World) {}, "{apiVersion: v1, kind: Namespace, metadata: {name: shop, deletionTimestamp: '2026-11-30T12:00:00Z'}}", "being deleted"},
	} {
		t.Run(name, func(t *testing.T) {
			w := observed(t, deployment, c.now)
			c.change(&w)
			if _, err := restore.Make(w, restore.Request{Namespace: "shop"}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

package restore

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	content, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	o := &unstructured.Unstructured{}
	if err := o.UnmarshalJSON(content); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestWhatOfAnObjectBelongsToItAnywhere(t *testing.T) {
	for _, c := range []struct{ name, then, want string }{
		{
			"nothing of metadata but what people write, and no status",
			`
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
  namespace: shop
  generateName: a-
  uid: u1
  resourceVersion: "7"
  generation: 2
  creationTimestamp: "2026-11-30T12:00:00Z"
  finalizers: [x/y]
  ownerReferences: [{apiVersion: v1, kind: Pod, name: p, uid: p1}]
  labels: {app: a}
  annotations: {note: b, orrery.dev/restored-uid: u0}
data: {k: v}
status: {k: v}`,
			`
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: shop, labels: {app: a}, annotations: {note: b}}
data: {k: v}`,
		},
		{
			"of a Service what was allocated goes",
			`
apiVersion: v1
kind: Service
metadata: {name: a, namespace: shop, managedFields: [{manager: kubectl, fieldsV1: {f:spec: {f:type: {}, f:ports: {'k:{"port":80,"protocol":"TCP"}': {f:port: {}}}}}}]}
spec:
  type: NodePort
  clusterIP: 10.96.0.9
  clusterIPs: [10.96.0.9]
  ipFamilies: [IPv4]
  ipFamilyPolicy: SingleStack
  ports: [{port: 80, protocol: TCP, nodePort: 30080}]`,
			`
apiVersion: v1
kind: Service
metadata: {name: a, namespace: shop}
spec:
  type: NodePort
  ports: [{port: 80, protocol: TCP}]`,
		},
		{
			"of a Service what somebody asked for stays",
			`
apiVersion: v1
kind: Service
metadata: {name: a, namespace: shop, managedFields: [{manager: kubectl, fieldsV1: {f:spec: {f:clusterIP: {}, f:ports: {'k:{"port":80,"protocol":"TCP"}': {f:nodePort: {}}}}}}]}
spec:
  clusterIP: 10.96.0.9
  clusterIPs: [10.96.0.9]
  ports: [{port: 80, protocol: TCP, nodePort: 30080}, {port: 80, protocol: UDP, nodePort: 30081}]`,
			`
apiVersion: v1
kind: Service
metadata: {name: a, namespace: shop}
spec:
  clusterIP: 10.96.0.9
  ports: [{port: 80, protocol: TCP, nodePort: 30080}, {port: 80, protocol: UDP}]`,
		},
		{
			"a headless Service stays headless",
			`{apiVersion: v1, kind: Service, metadata: {name: a, namespace: shop}, spec: {clusterIP: None, clusterIPs: [None], ipFamilies: [IPv4]}}`,
			`{apiVersion: v1, kind: Service, metadata: {name: a, namespace: shop}, spec: {clusterIP: None, clusterIPs: [None]}}`,
		},
		{
			"a claim is bound to nothing",
			`
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: a, namespace: shop, annotations: {pv.kubernetes.io/bind-completed: "yes", volume.kubernetes.io/selected-node: one}}
spec: {volumeName: pv1, storageClassName: fast}`,
			`{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: a, namespace: shop}, spec: {storageClassName: fast}}`,
		},
		{
			"a pod is on no node",
			`{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: shop}, spec: {nodeName: one, priority: 0, preemptionPolicy: PreemptLowerPriority, hostname: x}}`,
			`{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: shop}, spec: {hostname: x}}`,
		},
		{
			"a Job selects the pods of its own UID",
			`
apiVersion: batch/v1
kind: Job
metadata: {name: a, namespace: shop, labels: {controller-uid: u1, job-name: a}}
spec:
  selector: {matchLabels: {batch.kubernetes.io/controller-uid: u1}}
  template: {metadata: {labels: {app: a, batch.kubernetes.io/controller-uid: u1, controller-uid: u1, job-name: a, batch.kubernetes.io/job-name: a}}}`,
			`{apiVersion: batch/v1, kind: Job, metadata: {name: a, namespace: shop}, spec: {template: {metadata: {labels: {app: a}}}}}`,
		},
		{
			"a Job with a selector of somebody's own keeps it",
			`{apiVersion: batch/v1, kind: Job, metadata: {name: a, namespace: shop}, spec: {manualSelector: true, selector: {matchLabels: {app: a}}}}`,
			`{apiVersion: batch/v1, kind: Job, metadata: {name: a, namespace: shop}, spec: {manualSelector: true, selector: {matchLabels: {app: a}}}}`,
		},
		{
			"a token is not carried to another account of the same name",
			`{apiVersion: v1, kind: Secret, type: kubernetes.io/service-account-token, metadata: {name: a, namespace: shop, annotations: {kubernetes.io/service-account.name: r, kubernetes.io/service-account.uid: u1}}, data: {token: eA==}}`,
			`{apiVersion: v1, kind: Secret, type: kubernetes.io/service-account-token, metadata: {name: a, namespace: shop, annotations: {kubernetes.io/service-account.name: r}}}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			then := object(t, c.then)
			before := then.DeepCopy()
			if diff := cmp.Diff(object(t, c.want).Object, portable(then).Object); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before.Object, then.Object); diff != "" {
				t.Errorf("the object of the snapshot was changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestABindingNamesTheAccountsOfItsNewNamespace(t *testing.T) {
	binding := object(t, `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: a, namespace: shop}
subjects: [{kind: ServiceAccount, namespace: shop, name: r}, {kind: ServiceAccount, namespace: other, name: r}, {kind: User, name: jane}]`)
	want := object(t, `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: a, namespace: copy}
subjects: [{kind: ServiceAccount, namespace: copy, name: r}, {kind: ServiceAccount, namespace: other, name: r}, {kind: User, name: jane}]`)
	if diff := cmp.Diff(want.Object, moved(binding, "shop", "copy").Object); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

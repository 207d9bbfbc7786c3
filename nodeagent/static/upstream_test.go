package static

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/kubelet/config"

	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/webhooks"
)

// slowly is told of pods that are seen; a kubelet measures how long they take.
type slowly struct{}

func (slowly) ObservedPodOnWatch(klog.Logger, *corev1.Pod, time.Time) {}

// TestPodsAreUpstreams compares what becomes of a manifest with what a kubelet makes of it: all but the UID, which is a hash of another
// form, and what is said of when it was seen.
func TestPodsAreUpstreams(t *testing.T) {
	for name, text := range map[string]string{
		"with as little as can be":   web,
		"written as JSON":            `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"kube-system"},"spec":{"hostNetwork":true,"containers":[{"name":"web","image":"web","ports":[{"containerPort":80}]}]}}`,
		"with labels and priorities": "apiVersion: v1\nkind: Pod\nmetadata: {name: etcd, namespace: kube-system, labels: {tier: control-plane}, annotations: {a: b}}\nspec:\n  priorityClassName: system-node-critical\n  priority: 2000001000\n  containers: [{name: etcd, image: 'etcd:3', livenessProbe: {httpGet: {port: 2381}}, resources: {requests: {cpu: 100m}}}]\n  volumes: [{name: data, hostPath: {path: /var/lib/etcd}}, {name: tmp, emptyDir: {}}]\n",
		"that tolerates for a while": web + "  tolerations: [{operator: Exists, effect: NoExecute, tolerationSeconds: 300}, {key: a, operator: Exists}]\n",
		"with a UID of its own":      "apiVersion: v1\nkind: Pod\nmetadata: {name: web, uid: mine}\nspec: {containers: [{name: web, image: web}]}\n",
		"that refers to a Secret":    web + "  volumes: [{name: s, secret: {secretName: s}}]\n",
		"that refers to a ConfigMap": web + "  volumes: [{name: s, projected: {sources: [{configMap: {name: c}}]}}]\n",
		"with a service account":     web + "  serviceAccountName: me\n",
		"with a claim":               web + "  volumes: [{name: s, persistentVolumeClaim: {claimName: s}}]\n",
		"that is not valid":          web + "  restartPolicy: Sometimes\n",
		"that names no containers":   "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n",
		"with a field too many":      web + "  colour: blue\n",
		"without a name":             "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: web, image: web}]}\n",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "web.yaml")
			write(t, file, text)
			var ours *corev1.Pod
			pods, err := origin{FileSource, file, "Machine", webhooks.CompleteStaticPod}.pods([]byte(text))
			if err == nil {
				ours = pods[0]
			}
			theirs := upstreams(t, dir)
			for _, pod := range []*corev1.Pod{ours, theirs} {
				if pod != nil && pod.UID != "mine" {
					pod.UID, pod.Annotations[AnnotationHash] = "", ""
				}
				if pod != nil {
					delete(pod.Annotations, AnnotationSeen)
				}
			}
			if diff := cmp.Diff(theirs, ours); diff != "" {
				t.Errorf("it is not a kubelet's (-), with the error %v:\n%s", err, diff)
			}
		})
	}
}

// upstreams is the pod that a kubelet has of a directory; nil if it has none.
func upstreams(t *testing.T, dir string) *corev1.Pod {
	t.Helper()
	pods := config.NewPodConfig(record.NewFakeRecorder(10), slowly{})
	config.NewSourceFile(klog.NewKlogr(), dir, types.NodeName("Machine"), time.Hour, pods.Channel(t.Context(), FileSource))
	select {
	case update := <-pods.Updates():
		if len(update.Pods) > 0 {
			return update.Pods[0]
		}
		return nil
	case <-time.After(await.Deadline):
		t.Fatal("the kubelet's source says nothing")
		return nil
	}
}

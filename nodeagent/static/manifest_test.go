package static

import (
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

const web = `apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1"}]
`

func TestAManifestBecomesAPodOfTheNode(t *testing.T) {
	file := origin{source: FileSource, at: "/manifests/web.yaml", node: "Machine"}
	pods, err := file.pods([]byte("# made by hand\n---\n" + web))
	if err != nil || len(pods) != 1 {
		t.Fatalf("got %v (%v)", pods, err)
	}
	pod := pods[0]
	if pod.Name != "web-machine" || pod.Namespace != "default" || pod.Spec.NodeName != "Machine" {
		t.Errorf("it is pod %s/%s on node %s", pod.Namespace, pod.Name, pod.Spec.NodeName)
	}
	if pod.UID == "" || pod.Annotations[AnnotationHash] != string(pod.UID) || pod.Annotations[AnnotationSource] != "file" {
		t.Errorf("its UID is %s, its annotations %v", pod.UID, pod.Annotations)
	}
	all := corev1.Toleration{Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute}
	if len(pod.Spec.Tolerations) != 1 || pod.Spec.Tolerations[0] != all {
		t.Errorf("it tolerates %v", pod.Spec.Tolerations)
	}
	if pod.Status.Phase != corev1.PodPending {
		t.Errorf("it is %s", pod.Status.Phase)
	}
}

func TestTheUIDFollowsFromManifestNodeAndPlace(t *testing.T) {
	uid := func(o origin, text string) string {
		t.Helper()
		pods, err := o.pods([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return string(pods[0].UID)
	}
	usual := origin{source: FileSource, at: "/manifests/web.yaml", node: "machine"}
	first := uid(usual, web)
	asJSON := `{"kind":"Pod","apiVersion":"v1","spec":{"containers":[{"image":"web:1","name":"web"}]},"metadata":{"name":"web"}}`
	defaults := usual
	defaults.complete = func(pod *corev1.Pod) error { pod.Spec.DNSPolicy = corev1.DNSClusterFirst; return nil }
	for name, same := range map[string]string{"it is read again": uid(usual, web), "it is written as JSON": uid(usual, asJSON), "it has defaults": uid(defaults, web)} {
		if same != first {
			t.Errorf("when %s it is another pod", name)
		}
	}
	for name, other := range map[string]string{
		"on another node":    uid(origin{source: FileSource, at: usual.at, node: "other"}, web),
		"of another file":    uid(origin{source: FileSource, at: "/manifests/other.yaml", node: "machine"}, web),
		"of a URL":           uid(origin{source: HTTPSource, at: usual.at, node: "machine"}, web),
		"with another image": uid(usual, strings.Replace(web, "web:1", "web:2", 1)),
	} {
		if other == first {
			t.Errorf("%s it is the same pod", name)
		}
	}
	if own := uid(usual, strings.Replace(web, "name: web}", "name: web, uid: mine}", 1)); own != "mine" {
		t.Errorf("a UID of its own is made %s", own)
	}
}

func TestWhatIsNoPodIsRefused(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"nothing", "", "it is empty"},
		{"a comment", "# nothing yet\n", "it is empty"},
		{"two pods", web + "---\n" + web, "several documents"},
		{"a Secret", "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n", "it is a Secret, and not a pod"},
		{"a list of pods in a file", "apiVersion: v1\nkind: PodList\nitems: []\n", "want one pod in a file"},
		{"a pod without a name", "apiVersion: v1\nkind: Pod\n", "name is needed for the pod"},
		{"half a file", web[:30], ""},
		{"what a static pod cannot have", web, "static pods may not reference secrets"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := origin{source: FileSource, at: "a.yaml", node: "machine", complete: func(*corev1.Pod) error {
				return errors.New("static pods may not reference secrets")
			}}
			if _, err := o.pods([]byte(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestATolerationForAWhileBecomesOneForEver(t *testing.T) {
	pods, err := origin{source: FileSource, at: "a.yaml", node: "machine"}.pods([]byte(web + "  tolerations: [{operator: Exists, effect: NoExecute, tolerationSeconds: 300}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := pods[0].Spec.Tolerations; len(got) != 1 || got[0].TolerationSeconds != nil {
		t.Errorf("it tolerates %v", got)
	}
}

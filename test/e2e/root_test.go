package e2e

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/yaml"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/internal/await"
)

// What is installed on a cluster that somebody else runs, as config/default has it: the manager with the rights that it has there, and
// a certificate that it makes itself. The owner of a namespace, who may do everything with our kinds in it, tries to become root on the
// machine of a node by whatever these kinds offer.
func TestTheOwnerOfANamespaceDoesNotBecomeRoot(t *testing.T) {
	c := newCluster(t)
	h := c.deploy()
	owner := h.as("owner")
	created := func(text string) func() error {
		return func() error { return owner.Create(t.Context(), object(t, text)) }
	}
	await.Until(t, "a privileged pod to be refused", func() (string, bool) {
		err := created(podText("early", privileged))()
		return fmt.Sprint(err), forbidsLevel(err)
	})
	if err := h.admin.Create(t.Context(), object(t, "{apiVersion: core.orrery.dev/v1, kind: Node, metadata: {name: worker}}")); err != nil {
		t.Fatal(err)
	}
	if err := created(podText("harmless", ""))(); err != nil {
		t.Fatalf("a harmless pod is refused: %v", err)
	}
	patched := func(name, kind string, how types.PatchType, patch string) func() error {
		options := []client.PatchOption{client.FieldOwner("owner")}
		if how == types.ApplyPatchType {
			options = append(options, client.ForceOwnership)
		}
		return func() error {
			o := object(t, fmt.Sprintf("{apiVersion: %s, metadata: {name: %s}}", kind, name))
			return owner.Patch(t.Context(), o, client.RawPatch(how, []byte(patch)), options...)
		}
	}
	const aPod = "core.orrery.dev/v1, kind: Pod"
	pod := func(how types.PatchType, patch string) func() error { return patched("harmless", aPod, how, patch) }
	const debugger = `{"spec":{"ephemeralContainers":[{"name":"debug","image":"x","securityContext":{"privileged":true}}]}}`
	const level, unchanging, right, unknown = "violates PodSecurity", "pod updates may not change fields", `User "owner" cannot`, "not found"
	for name, c := range map[string]struct {
		try func() error
		// want is what the refusal says, in one of these ways: of two webhooks either may be the first.
		want []string
	}{
		"a privileged pod":              {created(podText("a", privileged)), []string{level}},
		"with the host's files":         {created(podText("b", "  volumes: [{name: root, hostPath: {path: /}}]\n")), []string{level}},
		"with the host's processes":     {created(podText("c", "  hostPID: true\n")), []string{level}},
		"on a node of choice":           {created(podText("d", "  nodeName: worker\n"+privileged)), []string{level}},
		"that calls itself a node's":    {created(strings.Replace(podText("e", privileged), "labels:", "annotations: {kubernetes.io/config.mirror: x}\n  labels:", 1)), []string{level, "mirror pod"}},
		"that says it is being deleted": {created(strings.Replace(podText("f", privileged), "labels:", "deletionTimestamp: \"2026-01-01T00:00:00Z\"\n  labels:", 1)), []string{level}},
		"that asks to be left out":      {created(strings.Replace(podText("g", privileged), "app: try", "app: try, pod-security.kubernetes.io/enforce: privileged, control-plane: controller-manager", 1)), []string{level}},
		"with somebody else's account":  {created(podText("h", "  serviceAccountName: orrery-system/orrery-controller-manager\n")), []string{"spec.serviceAccountName: Invalid value"}},
		"with an ephemeral container":   {created(podText("i", "  ephemeralContainers: [{name: debug, image: x, securityContext: {privileged: true}}]\n")), []string{level, "ephemeralContainers"}},
		"by applying": {func() error {
			p := object(t, podText("j", privileged))
			return owner.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(p), client.FieldOwner("owner"))
		}, []string{level}},
		"by a merge patch":  {pod(types.MergePatchType, `{"spec":{"containers":[{"name":"main","image":"x","securityContext":{"privileged":true}}]}}`), []string{unchanging}},
		"by a JSON patch":   {pod(types.JSONPatchType, `[{"op":"add","path":"/spec/containers/0/securityContext","value":{"privileged":true}}]`), []string{unchanging}},
		"by applying later": {pod(types.ApplyPatchType, `{"apiVersion":"core.orrery.dev/v1","kind":"Pod","metadata":{"name":"harmless"},"spec":{"hostPID":true}}`), []string{unchanging}},
		"by an update": {func() error {
			p := &ocorev1.Pod{}
			if err := owner.Get(t.Context(), client.ObjectKey{Namespace: tenant, Name: "harmless"}, p); err != nil {
				t.Fatal(err)
			}
			p.Spec.HostNetwork = true
			return owner.Update(t.Context(), p)
		}, []string{unchanging}},
		"by an ephemeral container later": {pod(types.MergePatchType, debugger), []string{unchanging, level}},
		"by the subresource for those":    {h.subresource(owner, "ephemeralcontainers", debugger), []string{unknown}},
		"by the subresource of resizes":   {h.subresource(owner, "resize", `{"spec":{"hostPID":true}}`), []string{unknown}},
		"by binding": {func() error {
			return owner.SubResource("binding").Create(t.Context(), object(t, podText("harmless", "")), object(t, "{apiVersion: v1, kind: Binding, metadata: {name: harmless}, target: {kind: Node, name: worker}}"))
		}, []string{unknown}},
		"while it is being deleted": {func() error {
			if err := owner.Create(t.Context(), object(t, strings.Replace(podText("ending", ""), "labels:", "finalizers: [example.org/hold]\n  labels:", 1))); err != nil {
				t.Fatal(err)
			}
			if err := owner.Delete(t.Context(), object(t, podText("ending", ""))); err != nil {
				t.Fatal(err)
			}
			return patched("ending", aPod, types.MergePatchType, `{"spec":{"hostPID":true}}`)()
		}, []string{unchanging}},
		"by a volume of his own":             {created("{apiVersion: core.orrery.dev/v1, kind: PersistentVolume, metadata: {name: root}, spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /}}}"), []string{right}},
		"by a node of his own":               {created("{apiVersion: core.orrery.dev/v1, kind: Node, metadata: {name: mine}}"), []string{right}},
		"by the pods that the cluster knows": {created(strings.Replace(podText("k", privileged), "core.orrery.dev/v1", "v1", 1)), []string{right}},
		"by another level for his namespace": {patched(tenant, "v1, kind: Namespace", types.MergePatchType, `{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"privileged"}}}`), []string{right}},
		"by taking the webhooks away": {func() error {
			return owner.Delete(t.Context(), object(t, "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: orrery-validating-webhook-configuration}}"))
		}, []string{right}},
		"by the key of the webhooks": {func() error {
			return owner.Get(t.Context(), client.ObjectKey{Namespace: system, Name: "orrery-webhook-certificate"}, object(t, "{apiVersion: v1, kind: Secret}"))
		}, []string{right}},
		"by what a StatefulSet was like once": {patched(h.revision(owner), "apps.orrery.dev/v1, kind: ControllerRevision", types.MergePatchType, `{"data":{"spec":{"template":{"spec":{"hostPID":true}}}}}`), []string{"field is immutable"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.try()
			if err == nil || !slices.ContainsFunc(c.want, func(text string) bool { return strings.Contains(err.Error(), text) }) {
				t.Errorf("got %v, want a refusal that says %q", err, c.want)
			}
		})
	}
	t.Run("by a status, which changes no spec", func(t *testing.T) {
		p := object(t, podText("harmless", ""))
		err := owner.Status().Patch(t.Context(), p, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"hostPID":true},"status":{"phase":"Running","containerStatuses":[]}}`)))
		if err != nil {
			t.Fatal(err)
		}
	})
	t.Run("by spelling fields otherwise, which are dropped", func(t *testing.T) {
		if err := created(podText("case", "  hostpid: true\n  HostNetwork: true\n"))(); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("by templates, of which controllers make no pod", func(t *testing.T) { h.templates(t, owner) })
	h.holds(t)
	t.Run("and by waiting until the manager is away", func(t *testing.T) {
		h.stop()
		if err := created(podText("late", privileged))(); !apierrors.IsInternalError(err) {
			t.Errorf("got %v, want that nobody answers", err)
		}
		// What has to go on goes on: the cluster's own objects, and the end of ours.
		if err := h.admin.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: tenant, Name: "note"}}); err != nil {
			t.Error(err)
		}
		if err := patched("ending", aPod, types.MergePatchType, `{"metadata":{"finalizers":null}}`)(); err != nil {
			t.Errorf("a pod cannot end: %v", err)
		}
		if err := patched("harmless", aPod, types.MergePatchType, `{"metadata":{"deletionTimestamp":"2026-01-01T00:00:00Z"},"spec":{"hostPID":true}}`)(); err == nil {
			t.Error("a pod that says it is being deleted is changed")
		}
		h.holds(t)
	})
}

const (
	system     = "orrery-system"
	tenant     = "tenant"
	privileged = "  securityContext: {runAsUser: 0}\n  initContainers: [{name: first, image: x, securityContext: {privileged: true}}]\n"
)

func podText(name, more string) string {
	return "apiVersion: core.orrery.dev/v1\nkind: Pod\nmetadata:\n  name: " + name + "\n  labels: {app: try}\nspec:\n  containers: [{name: main, image: x}]\n" + more
}

// object is what a text says, in the namespace of the tenant unless it is of no namespace.
func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	if !slices.Contains([]string{"PersistentVolume", "Node", "Namespace", "ValidatingWebhookConfiguration"}, o.GetKind()) {
		o.SetNamespace(tenant)
	}
	return o
}

// forbidsLevel says whether a pod was refused for its level.
func forbidsLevel(err error) bool {
	return apierrors.IsForbidden(err) && strings.Contains(err.Error(), `pods.core.orrery.dev `) && strings.Contains(err.Error(), `violates PodSecurity "baseline:latest"`)
}

// deployed is what config/default has deployed, but for the pod of the manager, in whose place this machine runs it.
type deployed struct {
	t      *testing.T
	config *rest.Config
	admin  client.Client
	stop   func()
}

func (c *cluster) deploy() *deployed {
	c.t.Helper()
	c.on("kubectl", "apply", "--server-side", "-k", "../../config/default")
	c.on("kubectl", "wait", "--for=condition=Established", "--timeout=1m", "crd", "--all")
	config, err := clientcmd.BuildConfigFromFlags("", c.kubeconfig)
	if err != nil {
		c.t.Fatal(err)
	}
	config.QPS = -1
	log.SetLogger(logr.Discard()) // the client's
	h := &deployed{t: c.t, config: config}
	h.admin = h.as("")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if err := listener.Close(); err != nil {
		c.t.Fatal(err)
	}
	h.reachable(port)
	h.giveAway()
	token := strings.TrimSpace(c.on("kubectl", "-n", system, "create", "token", "orrery-controller-manager", "--duration=1h"))
	kubeconfig := c.file("manager.kubeconfig", strings.ReplaceAll(c.read(c.kubeconfig), "token: "+config.BearerToken, "token: "+token))
	h.stop = c.run("manager", "--kubeconfig", kubeconfig, "--leader-elect", "--leader-elect-resource-namespace", system,
		"--webhook-cert-secret", system+"/orrery-webhook-certificate", "--webhook-host", "127.0.0.1", "--webhook-port", strconv.Itoa(port))
	return h
}

// reachable has the API server reach the webhooks on this machine: it resolves a Service of this type as it does one of a cluster.
func (h *deployed) reachable(port int) {
	h.t.Helper()
	ctx := h.t.Context()
	service := object(h.t, fmt.Sprintf("{apiVersion: v1, kind: Service, metadata: {name: orrery-webhook-service}, spec: {type: ExternalName, externalName: localhost, ports: [{port: %d}]}}", port))
	service.SetNamespace(system)
	if err := h.admin.Delete(ctx, service.DeepCopy()); err != nil {
		h.t.Fatal(err)
	}
	if err := h.admin.Create(ctx, service); err != nil {
		h.t.Fatal(err)
	}
	for kind, webhooks := range map[string]int{"Mutating": 1, "Validating": 2} {
		configuration := object(h.t, fmt.Sprintf("{apiVersion: admissionregistration.k8s.io/v1, kind: %sWebhookConfiguration, metadata: {name: orrery-%s-webhook-configuration}}", kind, strings.ToLower(kind)))
		configuration.SetNamespace("")
		var patch []string
		for i := range webhooks {
			patch = append(patch, fmt.Sprintf(`{"op":"add","path":"/webhooks/%d/clientConfig/service/port","value":%d}`, i, port))
		}
		if err := h.admin.Patch(ctx, configuration, client.RawPatch(types.JSONPatchType, []byte("["+strings.Join(patch, ",")+"]"))); err != nil {
			h.t.Fatal(err)
		}
	}
}

// giveAway makes a namespace that holds to the baseline level, and somebody its owner.
func (h *deployed) giveAway() {
	h.t.Helper()
	for _, o := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: tenant, Labels: map[string]string{api.EnforceLevelLabel: string(api.LevelBaseline)}}},
		&rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: tenant, Name: "owner"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "orrery-kinds-admin-role"},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "owner"}},
		},
	} {
		if err := h.admin.Create(h.t.Context(), o); err != nil {
			h.t.Fatal(err)
		}
	}
}

// as is the cluster as somebody reaches it; the administrator has no name.
func (h *deployed) as(who string) client.Client {
	h.t.Helper()
	config := rest.CopyConfig(h.config)
	config.Impersonate.UserName = who
	config.WarningHandler, config.WarningHandlerWithContext = rest.NoWarnings{}, nil
	c, err := client.New(config, client.Options{Scheme: secondNames(h.t)})
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

// secondNames is a scheme that knows our kinds as custom resources.
func secondNames(t *testing.T) *runtime.Scheme {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, apis.Orrery); err != nil {
		t.Fatal(err)
	}
	return scheme
}

func (h *deployed) subresource(owner client.Client, name, patch string) func() error {
	return func() error {
		return owner.SubResource(name).Patch(h.t.Context(), object(h.t, podText("harmless", "")), client.RawPatch(types.MergePatchType, []byte(patch)))
	}
}

// revision is the name of a ControllerRevision, of which a StatefulSet's controller makes pods.
func (h *deployed) revision(owner client.Client) string {
	h.t.Helper()
	revision := object(h.t, "{apiVersion: apps.orrery.dev/v1, kind: ControllerRevision, metadata: {name: once}, revision: 1, data: {spec: {template: {spec: {}}}}}")
	if err := owner.Create(h.t.Context(), revision); err != nil {
		h.t.Fatal(err)
	}
	return revision.GetName()
}

// templates makes one of each kind that pods are made of, and waits until its controller has said why it makes none.
func (h *deployed) templates(t *testing.T, owner client.Client) {
	const template = "selector: {matchLabels: {app: made}}, template: {metadata: {labels: {app: made}}, spec: {hostPID: true, restartPolicy: POLICY, containers: [{name: main, image: x}]}}"
	for kind, text := range map[string]string{
		"ReplicaSet":            "{apiVersion: apps.orrery.dev/v1, kind: ReplicaSet, metadata: {name: rs}, spec: {" + template + "}}",
		"StatefulSet":           "{apiVersion: apps.orrery.dev/v1, kind: StatefulSet, metadata: {name: sts}, spec: {serviceName: x, " + template + "}}",
		"DaemonSet":             "{apiVersion: apps.orrery.dev/v1, kind: DaemonSet, metadata: {name: ds}, spec: {" + template + "}}",
		"ReplicationController": "{apiVersion: core.orrery.dev/v1, kind: ReplicationController, metadata: {name: rc}, spec: {" + strings.Replace(template, "{matchLabels: {app: made}}", "{app: made}", 1) + "}}",
		"Job":                   "{apiVersion: batch.orrery.dev/v1, kind: Job, metadata: {name: job}, spec: {manualSelector: true, " + template + "}}",
		"Deployment":            "{apiVersion: apps.orrery.dev/v1, kind: Deployment, metadata: {name: web}, spec: {" + template + "}}",
	} {
		restarts := "Always"
		if kind == "Job" {
			restarts = "Never"
		}
		o := object(t, strings.Replace(text, "POLICY", restarts, 1))
		if err := owner.Create(t.Context(), o); err != nil {
			t.Errorf("making a %s: %v", kind, err)
			continue
		}
		prefix := o.GetName()
		await.Until(t, "the "+kind+" to say that its pod is refused", func() (string, bool) { return h.refusal(t.Context(), prefix) })
	}
}

// refusal is what events say of pods that were refused to what has a name that begins so.
func (h *deployed) refusal(ctx context.Context, prefix string) (string, bool) {
	var events corev1.EventList
	if err := h.admin.List(ctx, &events, client.InNamespace(tenant)); err != nil {
		return err.Error(), false
	}
	var seen []string
	for _, e := range events.Items {
		if strings.HasPrefix(e.InvolvedObject.Name, prefix) {
			seen = append(seen, e.Message)
		}
	}
	return strings.Join(seen, "\n"), slices.ContainsFunc(seen, func(text string) bool { return strings.Contains(text, "violates PodSecurity") })
}

// holds checks that every pod which is there is within the level of its namespace.
func (h *deployed) holds(t *testing.T) {
	t.Helper()
	var pods ocorev1.PodList
	if err := h.admin.List(t.Context(), &pods); err != nil {
		t.Fatal(err)
	}
	if len(pods.Items) == 0 {
		t.Error("there are no pods at all")
	}
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range pods.Items {
		pod := &pods.Items[i]
		result := policy.AggregateCheckResults(evaluator.EvaluatePod(api.LevelVersion{Level: api.LevelBaseline, Version: api.LatestVersion()}, &pod.ObjectMeta, &pod.Spec))
		if !result.Allowed {
			t.Errorf("there is pod %s: %s", pod.Name, result.ForbiddenDetail())
		}
	}
}

package webhooks

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	admissionv1 "k8s.io/api/admission/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	plainadmission "k8s.io/apiserver/pkg/admission"
	auditinternal "k8s.io/apiserver/pkg/apis/audit"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/util/compatibility"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/plugin/pkg/admission/security/podsecurity"
	"sigs.k8s.io/controller-runtime/pkg/client"
	fakeclient "sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	authenticationv1 "k8s.io/api/authentication/v1"

	"github.com/orrery-dev/orrery/apis"
)

// podSecurityConfiguration has defaults that differ, and exempts somebody of each sort.
const podSecurityConfiguration = `
apiVersion: pod-security.admission.config.k8s.io/v1
kind: PodSecurityConfiguration
defaults: {enforce: baseline, audit: restricted, audit-version: v1.30, warn: restricted}
exemptions: {usernames: [chief], namespaces: [exempt], runtimeClasses: [vault]}
`

// podNamespaces are namespaces with labels of every sort.
var podNamespaces = []*corev1.Namespace{
	podNamespace("plain", nil),
	podNamespace("exempt", nil),
	podNamespace("restricted", map[string]string{"enforce": "restricted", "audit": "baseline", "warn": "baseline"}),
	podNamespace("old", map[string]string{"enforce": "restricted", "enforce-version": "v1.20", "warn": "restricted", "warn-version": "v1.22"}),
	podNamespace("privileged", map[string]string{"enforce": "privileged", "audit": "privileged", "warn": "privileged"}),
	podNamespace("misspelt", map[string]string{"enforce": "restrictive", "warn-version": "1"}),
}

func podNamespace(name string, labels map[string]string) *corev1.Namespace {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{}}}
	for label, value := range labels {
		namespace.Labels["pod-security.kubernetes.io/"+label] = value
	}
	return namespace
}

// The plugin of Kubernetes' own API server, asked about the same pods under their first names, answers the same.
func TestPodSecurityAnswersAsKubernetesDoes(t *testing.T) {
	ours, theirs := newOurPodSecurity(t), newTheirPodSecurity(t)
	random := rand.New(rand.NewPCG(1, 0))
	answers := map[bool]int{}
	for i := range 4000 {
		asked := drawQuestion(random)
		want := theirs.answer(t, asked)
		got := ours.answer(t, asked)
		answers[want.Allowed]++
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("question %d, %s of a %s in %s by %s: (-Kubernetes +ours)\n%s\n%s", i, asked.operation, asked.kind.Kind, asked.namespace, asked.user, diff, asJSON(t, asked.obj))
		}
	}
	if answers[true] < 500 || answers[false] < 500 {
		t.Errorf("the questions are one-sided: %v", answers)
	}
}

// question is what is asked about an object under Kubernetes' name.
type question struct {
	kind            schema.GroupVersionKind
	resource        schema.GroupVersionResource
	operation       plainadmission.Operation
	obj, old        runtime.Object
	namespace, user string
}

// answer is what is compared of an answer.
type answer struct {
	Allowed     bool
	Message     string
	Reason      metav1.StatusReason
	Code        int32
	Warnings    []string
	Annotations map[string]string
}

type ourPodSecurity struct{ podSecurity }

func newOurPodSecurity(t *testing.T) ourPodSecurity {
	t.Helper()
	path := t.TempDir() + "/podsecurity.yaml"
	writeFile(t, path, podSecurityConfiguration)
	configuration, err := LoadPodSecurity(path)
	if err != nil {
		t.Fatal(err)
	}
	var objects []client.Object
	for _, namespace := range podNamespaces {
		objects = append(objects, namespace)
	}
	reader := fakeclient.NewClientBuilder().WithObjects(objects...).Build()
	nothing := fakeclient.NewClientBuilder().Build()
	security, err := newPodSecurity(configuration, nothing, reader) // what the cache has not seen yet is asked for
	if err != nil {
		t.Fatal(err)
	}
	return ourPodSecurity{security}
}

func (p ourPodSecurity) answer(t *testing.T, q question) answer {
	t.Helper()
	group := apis.Orrery.Group(q.resource.Group)
	request := admission.Request{AdmissionRequest: admissionv1.AdmissionRequest{
		Kind:      metav1.GroupVersionKind{Group: group, Version: q.kind.Version, Kind: q.kind.Kind},
		Resource:  metav1.GroupVersionResource{Group: group, Version: q.resource.Version, Resource: q.resource.Resource},
		Operation: admissionv1.Operation(q.operation), Namespace: q.namespace, Name: "web",
		UserInfo: authenticationv1.UserInfo{Username: q.user},
		Object:   runtime.RawExtension{Raw: asOrrery(t, q.obj)},
	}}
	if q.old != nil {
		request.OldObject = runtime.RawExtension{Raw: asOrrery(t, q.old)}
	}
	response := p.Handle(t.Context(), request)
	a := answer{Allowed: response.Allowed, Warnings: response.Warnings, Annotations: map[string]string{}}
	for key, value := range response.AuditAnnotations {
		a.Annotations["pod-security.kubernetes.io/"+key] = value
	}
	if response.Result != nil {
		a.Message, a.Reason, a.Code = response.Result.Message, response.Result.Reason, response.Result.Code
		a.Message = strings.Replace(a.Message, q.resource.Resource+"."+group+" ", q.resource.GroupResource().String()+" ", 1)
	}
	return a
}

// asOrrery is an object in JSON, under its second name.
func asOrrery(t *testing.T, obj runtime.Object) []byte {
	t.Helper()
	obj = obj.DeepCopyObject()
	obj.GetObjectKind().SetGroupVersionKind(apis.Orrery.GroupVersionKind(obj.GetObjectKind().GroupVersionKind()))
	return []byte(asJSON(t, obj))
}

func asJSON(t *testing.T, obj runtime.Object) string {
	t.Helper()
	data, err := json.Marshal(obj)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

type theirPodSecurity struct {
	plainadmission.ValidationInterface
}

func newTheirPodSecurity(t *testing.T) theirPodSecurity {
	t.Helper()
	var objects []runtime.Object
	for _, namespace := range podNamespaces {
		objects = append(objects, namespace)
	}
	kube := fake.NewClientset(objects...)
	factory := informers.NewSharedInformerFactory(kube, 0)
	plugins := plainadmission.NewPlugins()
	podsecurity.Register(plugins)
	plugin, err := plugins.InitPlugin(podsecurity.PluginName, strings.NewReader(podSecurityConfiguration), initializer(func(p plainadmission.Interface) {
		plugin := p.(*podsecurity.Plugin)
		plugin.InspectEffectiveVersion(compatibility.DefaultBuildEffectiveVersion())
		plugin.SetExternalKubeClientSet(kube)
		plugin.SetExternalKubeInformerFactory(factory)
	}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	factory.Start(ctx.Done())
	t.Cleanup(func() { stop(); factory.Shutdown() })
	factory.WaitForCacheSync(ctx.Done())
	return theirPodSecurity{plugin.(plainadmission.ValidationInterface)}
}

type initializer func(plainadmission.Interface)

func (i initializer) Initialize(plugin plainadmission.Interface) { i(plugin) }

func (p theirPodSecurity) answer(t *testing.T, q question) answer {
	t.Helper()
	var said collector
	ctx := audit.WithAuditContext(warning.WithWarningRecorder(t.Context(), &said))
	if err := audit.AuditContextFrom(ctx).Init(audit.RequestAuditConfig{Level: auditinternal.LevelMetadata}, nil); err != nil {
		t.Fatal(err)
	}
	attributes := plainadmission.NewAttributesRecord(internal(t, q.obj), internal(t, q.old), q.kind, q.namespace, "web", q.resource, "",
		q.operation, nil, false, &user.DefaultInfo{Name: q.user})
	err := p.Validate(ctx, attributes, nil)
	a := answer{Allowed: err == nil, Warnings: said.warnings, Annotations: map[string]string{}}
	for _, key := range []string{"enforce-policy", "audit-violations", "exempt", "error"} {
		if value, ok := audit.AuditContextFrom(ctx).GetEventAnnotation("pod-security.kubernetes.io/" + key); ok {
			a.Annotations["pod-security.kubernetes.io/"+key] = value
		}
	}
	if err != nil {
		status := err.(apierrors.APIStatus).Status()
		a.Message, a.Reason, a.Code = status.Message, status.Reason, status.Code
	}
	return a
}

// internal is an object as the API server has it at admission.
func internal(t *testing.T, obj runtime.Object) runtime.Object {
	t.Helper()
	if obj == nil {
		return nil
	}
	obj = obj.DeepCopyObject()
	legacyscheme.Scheme.Default(obj)
	group := obj.GetObjectKind().GroupVersionKind().Group
	converted, err := legacyscheme.Scheme.ConvertToVersion(obj, schema.GroupVersion{Group: group, Version: runtime.APIVersionInternal})
	if err != nil {
		t.Fatal(err)
	}
	return converted
}

func drawQuestion(random *rand.Rand) question {
	one := func(all ...string) string { return all[random.IntN(len(all))] }
	q := question{operation: plainadmission.Create, namespace: podNamespaces[random.IntN(len(podNamespaces))].Name, user: one("jane", "jane", "jane", "chief")}
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Name: "web", Annotations: map[string]string{}}, Spec: drawPod(random)}
	if random.IntN(10) == 0 {
		template.Annotations["container.apparmor.security.beta.kubernetes.io/web"] = one("unconfined", "runtime/default")
	}
	object := metav1.ObjectMeta{Name: "web", Namespace: q.namespace}
	kind, resource := "Pod", "pods"
	group, version := "", "v1"
	switch random.IntN(16) {
	case 0:
		group, kind, resource, q.obj = "apps", "Deployment", "deployments", &appsv1.Deployment{ObjectMeta: object, Spec: appsv1.DeploymentSpec{Template: template}}
	case 1:
		group, kind, resource, q.obj = "apps", "ReplicaSet", "replicasets", &appsv1.ReplicaSet{ObjectMeta: object, Spec: appsv1.ReplicaSetSpec{Template: template}}
	case 2:
		group, kind, resource, q.obj = "apps", "StatefulSet", "statefulsets", &appsv1.StatefulSet{ObjectMeta: object, Spec: appsv1.StatefulSetSpec{Template: template}}
	case 3:
		group, kind, resource, q.obj = "apps", "DaemonSet", "daemonsets", &appsv1.DaemonSet{ObjectMeta: object, Spec: appsv1.DaemonSetSpec{Template: template}}
	case 4:
		group, kind, resource, q.obj = "batch", "Job", "jobs", &batchv1.Job{ObjectMeta: object, Spec: batchv1.JobSpec{Template: template}}
	case 5:
		group, kind, resource, q.obj = "batch", "CronJob", "cronjobs", &batchv1.CronJob{ObjectMeta: object, Spec: batchv1.CronJobSpec{JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: template}}}}
	case 6:
		controller := &corev1.ReplicationController{ObjectMeta: object, Spec: corev1.ReplicationControllerSpec{Template: &template}}
		if random.IntN(4) == 0 {
			controller.Spec.Template = nil
		}
		kind, resource, q.obj = "ReplicationController", "replicationcontrollers", controller
	default:
		object.Annotations = template.Annotations
		pod := &corev1.Pod{ObjectMeta: object, Spec: template.Spec}
		q.obj = pod
		if random.IntN(4) == 0 {
			q.operation, q.old = plainadmission.Update, drawBefore(random, pod)
		}
	}
	q.kind = schema.GroupVersionKind{Group: group, Version: version, Kind: kind}
	q.resource = schema.GroupVersionResource{Group: group, Version: version, Resource: resource}
	q.obj.GetObjectKind().SetGroupVersionKind(q.kind)
	if q.old != nil {
		q.old.GetObjectKind().SetGroupVersionKind(q.kind)
	}
	return q
}

// drawBefore is a pod as it may have been before a change.
func drawBefore(random *rand.Rand, pod *corev1.Pod) *corev1.Pod {
	before := pod.DeepCopy()
	switch random.IntN(4) {
	case 0:
		before.Labels = map[string]string{"changed": "true"}
	case 1:
		before.Spec.Containers[0].Image = "web:0"
	case 2:
		before.Spec.EphemeralContainers = nil
	case 3:
		before.Spec.Containers[0].Resources.Requests = corev1.ResourceList{}
	}
	return before
}

// drawPod draws a pod that asks for some of what the standards are about.
func drawPod(random *rand.Rand) corev1.PodSpec {
	yes, no := new(true), new(false)
	root, somebody := new(int64(0)), new(int64(1000))
	spec := corev1.PodSpec{
		SecurityContext: &corev1.PodSecurityContext{},
		Containers:      []corev1.Container{{Name: "web", Image: "web:1", SecurityContext: &corev1.SecurityContext{}}},
	}
	if random.IntN(3) == 0 {
		spec.InitContainers = []corev1.Container{{Name: "init", Image: "web:1", SecurityContext: &corev1.SecurityContext{}}}
	}
	if random.IntN(3) == 0 {
		spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debug", Image: "web:1", SecurityContext: &corev1.SecurityContext{Privileged: yes}}}}
	}
	container := &spec.Containers[0]
	if len(spec.InitContainers) > 0 && random.IntN(2) == 0 {
		container = &spec.InitContainers[0]
	}
	if random.IntN(2) == 0 { // nearly what is restricted
		spec.SecurityContext.RunAsNonRoot, spec.SecurityContext.SeccompProfile = yes, &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
		container.SecurityContext.AllowPrivilegeEscalation = no
		container.SecurityContext.Capabilities = &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}
	}
	changes := []func(){
		func() { spec.HostNetwork = true; container.Ports = []corev1.ContainerPort{{ContainerPort: 80}} },
		func() { spec.HostPID, spec.HostIPC = true, true },
		func() { container.SecurityContext.Privileged = yes },
		func() { container.SecurityContext.AllowPrivilegeEscalation = yes },
		func() {
			container.SecurityContext.Capabilities = &corev1.Capabilities{Add: []corev1.Capability{"SYS_ADMIN", "NET_BIND_SERVICE"}}
		},
		func() { container.Ports = []corev1.ContainerPort{{ContainerPort: 80, HostPort: 8080}} },
		func() { container.SecurityContext.ProcMount = new(corev1.UnmaskedProcMount) },
		func() { container.SecurityContext.RunAsUser = root },
		func() { container.SecurityContext.RunAsUser = somebody },
		func() { spec.SecurityContext.RunAsUser = root },
		func() {
			container.SecurityContext.SELinuxOptions = &corev1.SELinuxOptions{User: "sysadm_u", Type: "spc_t"}
		},
		func() {
			container.SecurityContext.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}
		},
		func() {
			spec.SecurityContext.Sysctls = []corev1.Sysctl{{Name: "kernel.msgmax", Value: "1"}, {Name: "net.ipv4.tcp_rmem", Value: "1"}}
		},
		func() {
			spec.SecurityContext.AppArmorProfile = &corev1.AppArmorProfile{Type: corev1.AppArmorProfileTypeUnconfined}
		},
		func() { spec.SecurityContext.WindowsOptions = &corev1.WindowsSecurityContextOptions{HostProcess: yes} },
		func() { spec.HostUsers = no },
		func() { spec.OS = &corev1.PodOS{Name: corev1.Windows} },
		func() { spec.RuntimeClassName = new("vault") },
		func() {
			spec.Volumes = append(spec.Volumes, corev1.Volume{Name: "host", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}})
		},
		func() {
			spec.Volumes = append(spec.Volumes, corev1.Volume{Name: "nfs", VolumeSource: corev1.VolumeSource{NFS: &corev1.NFSVolumeSource{Server: "s", Path: "/"}}})
		},
		func() {
			container.LivenessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Host: "169.254.169.254"}}}
		},
	}
	for range random.IntN(4) {
		changes[random.IntN(len(changes))]()
	}
	return spec
}

func TestAKindWithoutPodsIsNotAskedAbout(t *testing.T) {
	for _, resource := range []metav1.GroupVersionResource{
		{Group: "core.orrery.dev", Version: "v1", Resource: "services"},
		{Group: "apps.orrery.dev", Version: "v1", Resource: "controllerrevisions"},
		{Group: "", Version: "v1", Resource: "pods"}, // the cluster's own: its own admission looks at it
	} {
		t.Run(fmt.Sprint(resource), func(t *testing.T) {
			response := newOurPodSecurity(t).Handle(t.Context(), admission.Request{AdmissionRequest: admissionv1.AdmissionRequest{Resource: resource, Namespace: "restricted"}})
			if !response.Allowed {
				t.Errorf("got %v", response.Result)
			}
		})
	}
}

func TestAPodThatCannotBeReadIsRefused(t *testing.T) {
	for name, raw := range map[string]string{
		"no JSON":       `{`,
		"another shape": `{"apiVersion":"core.orrery.dev/v1","kind":"Pod","spec":"nothing"}`,
		"no kind":       `{}`,
	} {
		t.Run(name, func(t *testing.T) {
			response := newOurPodSecurity(t).Handle(t.Context(), admission.Request{AdmissionRequest: admissionv1.AdmissionRequest{
				Resource: metav1.GroupVersionResource{Group: "core.orrery.dev", Version: "v1", Resource: "pods"}, Namespace: "restricted",
				Operation: admissionv1.Create, Object: runtime.RawExtension{Raw: []byte(raw)},
			}})
			if response.Allowed {
				t.Error("it is allowed")
			}
		})
	}
}

func TestAPodInANamespaceThatCannotBeReadIsRefused(t *testing.T) {
	asked := question{
		kind: corev1.SchemeGroupVersion.WithKind("Pod"), resource: corev1.SchemeGroupVersion.WithResource("pods"),
		operation: plainadmission.Create, namespace: "nowhere", user: "jane", obj: &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}},
	}
	if got := newOurPodSecurity(t).answer(t, asked); got.Allowed || got.Code != 500 {
		t.Errorf("got %+v, want that it is refused", got)
	}
}

func TestAConfigurationOfPodSecurityThatIsWrongIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"a level that does not exist": {strings.Replace(podSecurityConfiguration, "enforce: baseline", "enforce: strict", 1), `"strict"`},
		"another kind":                {"apiVersion: v1\nkind: Pod\n", "Pod"},
	} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir() + "/podsecurity.yaml"
			writeFile(t, path, c.text)
			configuration, err := LoadPodSecurity(path)
			if err == nil {
				_, err = newPodSecurity(configuration, nil, nil)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want it to name %s", err, c.want)
			}
		})
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

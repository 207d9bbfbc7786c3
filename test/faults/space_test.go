package faults

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubectl/pkg/util/podutils"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/orrery-dev/orrery/envtest"
)

// space is the namespace of a spec.
type space struct{ name string }

// newSpace makes one. It is left there: it goes with the environment.
func newSpace(ctx context.Context) *space {
	GinkgoHelper()
	namespace, err := admin.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "faults-"}}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	return &space{namespace.Name}
}

// inject has requests of the loops about this namespace meet a fault, until the spec ends or the function is called.
func (s *space) inject(r envtest.Rule) (end func()) {
	r.On.Namespaces = []string{s.name}
	if r.On.Clients == nil {
		r.On.Clients = []string{loops, timekeepers}
	}
	end = faults.Inject(r)
	DeferCleanup(end)
	return end
}

// requests is how many the loops have sent about this namespace.
func (s *space) requests() int {
	return faults.Count(envtest.Requests{Clients: []string{loops, timekeepers}, Namespaces: []string{s.name}})
}

// events are what was told in the namespace, as "Warning FailedCreate about Job/web: ...".
func (s *space) events(ctx context.Context) ([]string, error) {
	list, err := admin.EventsV1().Events(s.name).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	told := make([]string, 0, len(list.Items))
	for _, e := range list.Items {
		told = append(told, fmt.Sprintf("%s %s about %s/%s: %s", e.Type, e.Reason, e.Regarding.Kind, e.Regarding.Name, e.Note))
	}
	return told, nil
}

// says waits until an event was recorded that has some words in it.
func (s *space) says(ctx context.Context, words string) {
	GinkgoHelper()
	Eventually(ctx, s.events).WithArguments(ctx).Should(ContainElement(ContainSubstring(words)))
}

// pods are those of the namespace.
func (s *space) pods(ctx context.Context) []corev1.Pod {
	GinkgoHelper()
	list, err := admin.CoreV1().Pods(s.name).List(ctx, metav1.ListOptions{})
	Expect(err).NotTo(HaveOccurred())
	return list.Items
}

// are says how the pods of the namespace are, for who waits for them: "web-1 web:1 Running ready", one a line.
func (s *space) are(ctx context.Context) string {
	var lines []string
	for _, pod := range s.pods(ctx) {
		line := fmt.Sprintf("%s %s on %q %s", pod.Name, pod.Spec.Containers[0].Image, pod.Spec.NodeName, pod.Status.Phase)
		if ready(&pod) {
			line += " ready"
		}
		if pod.DeletionTimestamp != nil {
			line += " going"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// arePods waits until there are so many pods, all of them of one image and ready.
func (s *space) arePods(ctx context.Context, want int, image string) {
	GinkgoHelper()
	Eventually(ctx, func(g Gomega) {
		pods := s.pods(ctx)
		g.Expect(pods).To(HaveLen(want), func() string { return s.are(ctx) })
		for i := range pods {
			g.Expect(pods[i].Spec.Containers[0].Image == image && ready(&pods[i])).To(BeTrue(), func() string { return s.are(ctx) })
		}
	}).Should(Succeed())
}

func ready(pod *corev1.Pod) bool { return podutils.IsPodReady(pod) && pod.DeletionTimestamp == nil }

// gone waits until what get looks for does not exist.
func gone[T any](ctx context.Context, get func(context.Context, string, metav1.GetOptions) (T, error), name string) {
	GinkgoHelper()
	Eventually(ctx, func() bool {
		_, err := get(ctx, name, metav1.GetOptions{})
		return apierrors.IsNotFound(err)
	}).Should(BeTrue(), func() string { return name + " is still there" })
}

// patch changes an object by a merge patch.
func patch[T any](ctx context.Context, by patcher[T], name, change string) {
	GinkgoHelper()
	_, err := by(ctx, name, mergePatch, []byte(change), metav1.PatchOptions{})
	Expect(err).NotTo(HaveOccurred())
}

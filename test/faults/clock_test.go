package faults

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("A clock that jumps", Serial, func() {
	// jump sets the clock until the spec ends.
	jump := func(d time.Duration) {
		clocks.jump(d)
		DeferCleanup(func() { clocks.jump(-d) })
	}

	It("makes no storm of Jobs, forwards or back", NodeTimeout(patience), func(ctx context.Context) {
		s := newSpace(ctx)
		c := admin.BatchV1().CronJobs(s.name)
		cron := cronJob()
		cron.Spec.TimeZone, cron.Spec.Schedule = new("Etc/UTC"), fmt.Sprintf("%d * * * *", time.Now().UTC().Add(30*time.Minute).Minute())
		_, err := c.Create(ctx, cron, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		jump(3 * time.Hour)
		wake(ctx, c.Patch, "web")
		Eventually(ctx, s.jobs).WithArguments(ctx).Should(Equal(1), "the latest time that passed is served")
		s.isServed(ctx)
		jump(-3 * time.Hour)
		began := s.requests()
		wake(ctx, c.Patch, "web")
		Consistently(ctx, s.jobs).WithArguments(ctx).WithTimeout(2 * time.Second).Should(Equal(1))
		Expect(s.requests()-began).To(BeNumerically("<", 20), "what was served lies in the future, and is waited for")
	})

	It("lets Jobs live for as long as they may by it", NodeTimeout(patience), func(ctx context.Context) {
		s := newSpace(ctx)
		c := admin.BatchV1().Jobs(s.name)
		early, late := job(1, 1), job(1, 1)
		early.Name, late.Name = "early", "late"
		early.Spec.TTLSecondsAfterFinished, late.Spec.TTLSecondsAfterFinished = new(int32(3600)), new(int32(3600))
		_, err := c.Create(ctx, early, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		s.isOver(ctx, "early", "Complete: 1 succeeded, 0 failed")
		jump(2 * time.Hour)
		wake(ctx, c.Patch, "early")
		gone(ctx, c.Get, "early")
		_, err = c.Create(ctx, late, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		s.isOver(ctx, "late", "Complete: 1 succeeded, 0 failed")
		jump(-2 * time.Hour)
		wake(ctx, c.Patch, "late")
		s.isPatient(ctx)
		_, err = c.Get(ctx, "late", metav1.GetOptions{})
		Expect(err).NotTo(HaveOccurred(), "a Job that was over in the future was deleted")
	})

	It("ends Jobs when their time is over by it", NodeTimeout(patience), func(ctx context.Context) {
		s := newSpace(ctx)
		c := admin.BatchV1().Jobs(s.name)
		j := job(1, 1)
		j.Spec.ActiveDeadlineSeconds = new(int64(3600))
		j.Spec.Template.Annotations = nil
		_, err := c.Create(ctx, j, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		s.arePods(ctx, 1, "web:1")
		jump(-2 * time.Hour)
		wake(ctx, c.Patch, "web")
		s.isPatient(ctx)
		s.arePods(ctx, 1, "web:1")
		jump(4 * time.Hour)
		wake(ctx, c.Patch, "web")
		s.isOver(ctx, "web", "Failed: 0 succeeded, 1 failed")
		s.says(ctx, "Warning DeadlineExceeded about Job/web")
	})
})

// wake changes an object, so that its loops look at it.
func wake[T any](ctx context.Context, by patcher[T], name string) {
	GinkgoHelper()
	patch(ctx, by, name, fmt.Sprintf(`{"metadata":{"annotations":{"example.org/woken":%q}}}`, time.Now().String()))
}

func (s *space) isOver(ctx context.Context, name, how string) {
	GinkgoHelper()
	Eventually(ctx, func(g Gomega) {
		j, err := admin.BatchV1().Jobs(s.name).Get(ctx, name, metav1.GetOptions{})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(jobIs(j)).To(Equal(how))
	}).Should(Succeed())
}

// jobs is how many Jobs there are.
func (s *space) jobs(ctx context.Context) (int, error) {
	list, err := admin.BatchV1().Jobs(s.name).List(ctx, metav1.ListOptions{})
	if err != nil {
		return 0, err
	}
	return len(list.Items), nil
}

// isServed waits until the Job of the CronJob has succeeded and the status says so. A status that lists no Job may be one that does not
// list it yet.
func (s *space) isServed(ctx context.Context) {
	GinkgoHelper()
	Eventually(ctx, func(g Gomega) {
		cron, err := admin.BatchV1().CronJobs(s.name).Get(ctx, "web", metav1.GetOptions{})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(cron.Status.LastSuccessfulTime).NotTo(BeNil())
		g.Expect(cron.Status.Active).To(BeEmpty())
	}).Should(Succeed())
}

package faults

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/orrery-dev/orrery/envtest"
)

// atMost is how many requests the loops may send for one operation, whatever goes wrong. Where nothing does, it is 40 to 80.
const atMost = 400

var _ = Describe("Requests that go wrong in the middle of each operation", func() {
	writes := envtest.Requests{Verbs: envtest.Writes()}
	DescribeTable("come to what was asked for",
		func(ctx context.Context, rule envtest.Rule) {
			spaces := spacesFor(ctx)
			for _, s := range spaces {
				s.inject(rule)
			}
			doAll(ctx, spaces)
			for kind, s := range spaces {
				n := s.requests()
				AddReportEntry(fmt.Sprintf("%s took %d requests", kind, n))
				Expect(n).To(BeNumerically("<", atMost), kind)
			}
		},
		Entry("where nothing goes wrong", NodeTimeout(patience), envtest.Rule{Fault: envtest.Latency(0)}),
		Entry("after conflicts (409)", NodeTimeout(patience), envtest.Rule{On: writes, Chance: 0.3, Fault: envtest.Conflict()}),
		Entry("after throttling that says for how long (429)", NodeTimeout(patience), envtest.Rule{On: writes, Chance: 0.1, Fault: envtest.TooManyRequests(1)}),
		Entry("after throttling that does not (429)", NodeTimeout(patience), envtest.Rule{On: writes, Chance: 0.2, Fault: envtest.TooManyRequests(0)}),
		Entry("after errors of the server (500)", NodeTimeout(patience), envtest.Rule{Chance: 0.2, Fault: envtest.InternalError()}),
		Entry("after requests that were lost", NodeTimeout(patience), envtest.Rule{On: writes, Chance: 0.2, Fault: envtest.RequestLost()}),
		Entry("after answers that were lost", NodeTimeout(patience), envtest.Rule{On: writes, Chance: 0.2, Fault: envtest.AnswerLost()}),
		Entry("after writes that timed out and took effect (504)", NodeTimeout(patience), envtest.Rule{On: writes, Chance: 0.2, Fault: envtest.TimedOut()}),
		Entry("with late answers", NodeTimeout(patience), envtest.Rule{On: writes, Chance: 0.5, Fault: envtest.Latency(50 * time.Millisecond)}),
	)

	It("come to what was asked for although watches break off all the time", NodeTimeout(patience), func(ctx context.Context) {
		DeferCleanup(faults.Inject(envtest.Rule{
			On: envtest.Requests{Clients: []string{loops, timekeepers}, Verbs: []string{"watch"}}, Chance: 0.5, Fault: envtest.CutAfter(300 * time.Millisecond),
		}))
		faults.CutWatches(loops, timekeepers)
		doAll(ctx, spacesFor(ctx))
	})

	It("come to what was asked for although the managers are killed and begin anew", NodeTimeout(patience), func(ctx context.Context) {
		spaces := spacesFor(ctx)
		done := make(chan struct{})
		go func() {
			defer GinkgoRecover()
			defer close(done)
			doAll(ctx, spaces)
		}()
		for _, name := range []string{loops, timekeepers, loops} {
			s := spaces["Deployment"]
			seen := s.requests()
			Eventually(ctx, func() bool {
				select {
				case <-done:
					return true
				default:
					return s.requests() > seen+5
				}
			}).Should(BeTrue(), "the loops are at work")
			Expect(env.Kill(name)).To(Succeed())
			Expect(env.Restart(name)).To(Succeed())
		}
		<-done
	})

	It("come to what was asked for although two managers both believe that they lead", NodeTimeout(patience), func(ctx context.Context) {
		alsoRuns(manager("rivals", "*", clocks))
		spaces := spacesFor(ctx)
		delete(spaces, "Job") // each starts as many pods as may run, and all that succeed are counted
		doAll(ctx, spaces)
	})
})

package differential

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// quiet is for how long nothing changes on a side that has nothing more to do, when the two agree.
	quiet = 400 * time.Millisecond
	// patience is how long they may go without a change, and disagree, before that is a difference.
	patience = 30 * time.Second
	// longPatience is that for Events, which are recorded one after the other, and late when the machine is busy.
	longPatience = 60 * time.Second
	// relook is after how long two sides are compared again that differ and do not change: only Events may still come.
	relook = 300 * time.Millisecond
	// endless is how long a side may go on changing.
	endless = 6 * time.Minute
)

// subject is a kind whose controllers are compared.
type subject struct {
	name string
	// start begins a scenario.
	start func(s *scenario)
	moves []move
	// quiet is for how long nothing changes when all is done; zero means the default.
	quiet time.Duration
	// patience is how long the sides may go without a change, and disagree; zero means the default.
	patience time.Duration
	// nudge makes controllers look that have put off what they could not do, so that it is not a matter of for how long; it is called
	// now and then while the sides are at rest and disagree.
	nudge func(s *scenario, n int)
	// astray says why a scenario cannot go on with upstream's side; empty if it can, and nil means that it always can.
	astray func(s *scenario) string
	// steps is how many there are at most; zero means as many as the flag says.
	steps int
	// finish makes sure that there is something to compare at the end; nil means that what the scenario is about is made anew if it is
	// gone, and lives.
	finish func(s *scenario)
}

// move is something that may happen in a scenario, as often as its weight says. It reports whether it was possible.
type move struct {
	weight int
	make   func(s *scenario) bool
}

// scenario is what happens in one namespace, on both sides alike.
type scenario struct {
	*rand.Rand
	t         *testing.T
	subject   *subject
	namespace string
	log       []string
	// now is what upstream's side looks like. Ours looks the same.
	now *state
	our *state
	// raced says that something was done that two controllers answered, whose order Events would tell.
	raced bool
	// nodes are the numbers of those that are there for this scenario.
	nodes map[int]bool
	// original is what the scenario is about, as it was created.
	original client.Object
	// dues counts how often a CronJob was made due.
	dues int
	// target is what an autoscaler scales, as it was created.
	target client.Object
	// rivals are what the scenario is about, if it is about two.
	rivals *rivals
	// quiet is for how long nothing changes here when all is done, if that is longer than the subject says.
	quiet time.Duration
	// worked says that the controllers of both sides have done something here.
	worked bool
	// goneOurs and goneTheirs are what objects are called that were there once, on the two sides.
	goneOurs, goneTheirs map[string]string
	// shown is what of the namespace is compared. When that is the namespace itself Events are not compared any more, since they go with it.
	shown shown
}

func run(t *testing.T, subject *subject, seed int) {
	s := &scenario{
		Rand: rand.New(rand.NewPCG(uint64(seed), 1)), t: t, subject: subject,
		goneOurs: map[string]string{}, goneTheirs: map[string]string{},
		namespace: fmt.Sprintf("%s-%d", strings.ToLower(subject.name), seed),
	}
	for _, side := range []*side{ours, theirs} {
		if err := side.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.namespace}}); err != nil {
			t.Fatal(err)
		}
	}
	subject.start(s)
	for range min(cmp.Or(subject.steps, *steps), *steps) {
		for tries := 0; tries < 50 && !s.choose(subject.moves).make(s); tries++ {
		}
	}
	s.finish()
}

// finish ends a scenario. One that compared nothing has found no difference, which says nothing: that is an error.
func (s *scenario) finish() {
	s.t.Helper()
	if s.subject.finish != nil {
		s.subject.finish(s)
	} else {
		s.goOn()
		beginsAnew(s)
		s.goOn()
	}
	switch {
	case len(s.now.objects) == 0 && !s.shown.itself:
		s.t.Fatalf("%s\nnothing is left to be compared", s.story())
	case !s.worked:
		s.t.Fatalf("%s\nno controller has done anything", s.story())
	}
}

func (s *scenario) choose(moves []move) move {
	total := 0
	for _, m := range moves {
		total += m.weight
	}
	at := s.IntN(total)
	for _, m := range moves {
		if at -= m.weight; at < 0 {
			return m
		}
	}
	panic("the weights do not add up")
}

// act is something that is done on one side, whose state is given. The other side has objects of the same names.
type act func(ctx context.Context, c client.Client, st *state) error

// do does the same on both sides, and waits until they look the same.
func (s *scenario) do(what string, do act) {
	s.t.Helper()
	steady.RLock()
	defer steady.RUnlock()
	s.log = append(s.log, what)
	answers := map[string]string{}
	for side, st := range map[*side]*state{ours: s.our, theirs: s.now} {
		side.touch(s.namespace, what)
		err := do(s.t.Context(), side, st)
		side.touch(s.namespace, what)
		if isBusy(err) {
			s.t.Skipf("%s\nthe machine is too busy for the API server of %s: %v", s.story(), side.name, err)
		}
		answers[side.name] = "none"
		if err != nil {
			answers[side.name] = string(apierrors.ReasonForError(err))
			if answers[side.name] == "" {
				s.t.Fatalf("%s\n%s on the side of %s: %v", s.story(), what, side.name, err)
			}
		}
	}
	if answers["ours"] != answers["upstream"] {
		s.t.Fatalf("%s\nthe API server's error is %s on our side and %s on upstream's", s.story(), answers["ours"], answers["upstream"])
	}
	s.settle()
}

// isBusy reports that an API server could not do what it was asked to in time, or not be sure that it did: its disk is too slow.
func isBusy(err error) bool {
	return apierrors.IsInternalError(err) || apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err)
}

// settle waits until nothing happens any more on either side, and fails the test if they differ then.
func (s *scenario) settle() {
	s.t.Helper()
	enough, patience := max(quiet, s.subject.quiet, s.quiet), max(patience, s.subject.patience)
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	began := time.Now()
	var seen [2]int
	nudges, nudged, looked := 0, began, began
	for same := false; ; {
		our, their := ours.last(s.namespace), theirs.last(s.namespace)
		rested := func(seconds time.Duration, beats int) bool {
			return ours.rested(our, seconds, beats) && theirs.rested(their, seconds, beats)
		}
		quiet := rested(enough, 2)
		if now := [2]int{our.number, their.number}; quiet && (now != seen || !same && time.Since(looked) > relook) {
			seen, same, looked = now, s.look(), time.Now()
			s.leaveAstray(same)
		}
		if s.subject.nudge != nil && quiet && !same && time.Since(nudged) > 5*time.Second {
			nudges, nudged = nudges+1, time.Now()
			s.subject.nudge(s, nudges)
		}
		switch {
		case quiet && same && seen == [2]int{our.number, their.number}:
			return
		case rested(patience, 20) && (!onlyEvents(s.our, s.now) || rested(longPatience, 20)):
			s.t.Fatalf("%s\nours (-) and upstream's (+):\n%s", s.story(), difference(s.our, s.now))
		case time.Since(began) > endless:
			busy, _ := queued.emptySince(began)
			s.t.Fatalf("%s\nit does not end: ours did last %q (change %d), upstream's %q (change %d); queue %s\n%s", s.story(), our.what, our.number, their.what, their.number, busy, s.differenceNow())
		}
		select {
		case <-look.C:
		case <-s.t.Context().Done():
			s.t.Fatalf("%s\nthe time is over", s.story())
		}
	}
}

// leaveAstray ends a scenario whose sides differ, and cannot come together again: what was compared before was the same.
func (s *scenario) leaveAstray(same bool) {
	s.t.Helper()
	if same || s.subject.astray == nil {
		return
	}
	if why := s.subject.astray(s); why != "" {
		s.t.Skipf("%s\n%s", s.story(), why)
	}
}

// differenceNow is how the sides differ while one or both of them are still at work.
func (s *scenario) differenceNow() string {
	s.look()
	return difference(s.our, s.now)
}

// look reads both sides, and reports whether they are the same.
func (s *scenario) look() bool {
	var err error
	if s.our, err = ours.state(s.t.Context(), s.namespace, s.shown, s.goneOurs); err != nil {
		s.t.Fatal(err)
	}
	if s.now, err = theirs.state(s.t.Context(), s.namespace, s.shown, s.goneTheirs); err != nil {
		s.t.Fatal(err)
	}
	s.worked = s.worked || s.our.worked && s.now.worked
	if s.raced || s.shown.itself {
		clear(s.our.events)
		clear(s.now.events)
	}
	return difference(s.our, s.now) == ""
}

// story is what has happened so far.
func (s *scenario) story() string {
	var b strings.Builder
	fmt.Fprintf(&b, "what happened in namespace %s:\n", s.namespace)
	for i, line := range s.log {
		fmt.Fprintf(&b, "%3d. %s\n", i+1, line)
	}
	return b.String()
}

// keys are the objects of a kind, by name.
func (s *scenario) keys(kind string, which func(client.Object) bool) []string {
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(s.now.objects)) {
		if strings.HasPrefix(key, kind+"/") && (which == nil || which(s.now.objects[key])) {
			keys = append(keys, key)
		}
	}
	return keys
}

// some is one of several; empty if there is none.
func (s *scenario) some(keys []string) string {
	if len(keys) == 0 {
		return ""
	}
	return keys[s.IntN(len(keys))]
}

// happens lets a fate befall one pod.
func happens(f fate) func(*scenario) bool {
	return func(s *scenario) bool {
		key := s.some(s.pods(f))
		if key == "" {
			return false
		}
		s.do(key+" "+f.name, f.on(key))
		return true
	}
}

// happensToAll lets a fate befall all pods that it can befall.
func happensToAll(f fate) func(*scenario) bool {
	return func(s *scenario) bool {
		keys := s.pods(f)
		if len(keys) == 0 {
			return false
		}
		s.do(fmt.Sprintf("each of %s %s", strings.Join(keys, ", "), f.name), f.on(keys...))
		return true
	}
}

// goOn lets all pods live as long as something changes by that.
func (s *scenario) goOn() bool {
	for range 12 {
		if !happensToAll(lives)(s) {
			break
		}
	}
	return true
}

func (s *scenario) goesOn() bool { return s.goOn() }

func (s *scenario) pods(f fate) []string {
	return s.keys("Pod", func(obj client.Object) bool { return f.befalls(obj.(*corev1.Pod)) })
}

// on lets a fate befall the pods of these names.
func (f fate) on(keys ...string) act {
	return func(ctx context.Context, c client.Client, st *state) error {
		for _, key := range keys {
			pod := st.objects[key].DeepCopyObject().(*corev1.Pod)
			err := f.happen(ctx, c, pod)
			if apierrors.IsNotFound(err) && len(keys) > 1 {
				continue // what befell those before it has let it go
			}
			if err != nil {
				return fmt.Errorf("%s %s: %w", key, f.name, err)
			}
		}
		return nil
	}
}

// creates creates an object of each of the constructors.
func creates(made ...func() client.Object) act {
	return func(ctx context.Context, c client.Client, _ *state) error {
		for _, m := range made {
			if err := c.Create(ctx, m()); err != nil {
				return err
			}
		}
		return nil
	}
}

// begin creates what the scenario is about.
func (s *scenario) begin(what string, obj client.Object) {
	s.original = obj
	s.do(what, creates(func() client.Object { return obj.DeepCopyObject().(client.Object) }))
}

// beginsAnew creates what the scenario is about once more, when it is gone: what it left behind is there still, or is about to go.
func beginsAnew(s *scenario) bool {
	if s.original == nil || s.now.objects[keyOf(s.original)] != nil {
		return false
	}
	s.begin(keyOf(s.original)+" is created once more", s.original)
	return true
}

func keyOf(obj client.Object) string {
	kind, err := kindOfObject(obj)
	if err != nil {
		panic(err)
	}
	return kind.Kind + "/" + obj.GetName()
}

// edits changes an object.
func edits[T client.Object](key string, change func(T)) act {
	return func(ctx context.Context, c client.Client, st *state) error {
		return changeObject(ctx, c, st.objects[key].DeepCopyObject().(T), change)
	}
}

// deletes deletes an object.
func deletes(key string, how metav1.DeletionPropagation) act {
	return func(ctx context.Context, c client.Client, st *state) error {
		return c.Delete(ctx, st.objects[key].DeepCopyObject().(client.Object), client.PropagationPolicy(how))
	}
}

// restarts stops the controllers of both sides and runs them again.
func restarts(s *scenario) bool {
	s.log = append(s.log, "the controllers are restarted")
	restartBoth()
	steady.RLock()
	defer steady.RUnlock()
	for _, side := range []*side{ours, theirs} {
		side.touch(s.namespace, "restarted")
	}
	s.settle()
	return true
}

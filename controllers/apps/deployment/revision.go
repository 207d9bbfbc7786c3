package deployment

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The annotations of a rollout. They are named alike under both namings, since kubectl reads them.
const (
	// revisionAnnotation numbers templates in the order in which they came to be the Deployment's.
	revisionAnnotation = "deployment.kubernetes.io/revision"
	// revisionHistoryAnnotation lists the numbers that a ReplicaSet had before, the oldest first.
	revisionHistoryAnnotation = "deployment.kubernetes.io/revision-history"
	// desiredReplicasAnnotation is the Deployment's size when the ReplicaSet was last scaled.
	desiredReplicasAnnotation = "deployment.kubernetes.io/desired-replicas"
	// maxReplicasAnnotation is that size with the surge.
	maxReplicasAnnotation = "deployment.kubernetes.io/max-replicas"
)

// longestHistory bounds revisionHistoryAnnotation, in bytes.
const longestHistory = 2000

// ownAnnotation tells annotations that belong to one object from those that a Deployment shares with its ReplicaSets.
func ownAnnotation(key string) bool {
	switch key {
	case corev1.LastAppliedConfigAnnotation, rollbackAnnotation,
		revisionAnnotation, revisionHistoryAnnotation, desiredReplicasAnnotation, maxReplicasAnnotation:
		return true
	}
	return false
}

// revision is the number of a ReplicaSet's template; 0 where it has none.
func revision(rs *oappsv1.ReplicaSet) int64 {
	n, _ := strconv.ParseInt(rs.Annotations[revisionAnnotation], 10, 64)
	return n
}

// nextRevision is above those of all old ReplicaSets.
func (r *rollout) nextRevision() int64 {
	highest := int64(0)
	for _, rs := range r.oldRSs {
		highest = max(highest, revision(rs))
	}
	return highest + 1
}

// differs reports that the new ReplicaSet lacks what it shares with the Deployment.
func (r *rollout) differs() bool { return !equality.Semantic.DeepEqual(r.newRS, r.inLine()) }

// updateNewRS brings the new ReplicaSet in line with the Deployment.
func (r *rollout) updateNewRS() []step {
	wanted := r.inLine()
	why := "it shares annotations and minReadySeconds with the Deployment"
	if revision(wanted) != revision(r.newRS) {
		why = fmt.Sprintf("it is revision %d of the Deployment", revision(wanted))
	}
	return []step{update{r.newRS, wanted, why}}
}

// inLine is the new ReplicaSet with the annotations and minReadySeconds of the Deployment, and with its revision.
func (r *rollout) inLine() *oappsv1.ReplicaSet {
	wanted := r.newRS.DeepCopy()
	copyAnnotations(wanted, r.d)
	raiseRevision(wanted, r.nextRevision())
	wanted.Spec.MinReadySeconds = r.d.Spec.MinReadySeconds
	return wanted
}

// copyAnnotations gives rs the annotations that it shares with d. Those that d no longer has stay.
func copyAnnotations(rs *oappsv1.ReplicaSet, d *oappsv1.Deployment) {
	for key, value := range d.Annotations {
		if !ownAnnotation(key) {
			annotate(rs, key, value)
		}
	}
}

// raiseRevision makes n the revision of rs, unless it is higher already: what was above it may have been deleted since. The
// revision that it had goes into its history.
func raiseRevision(rs *oappsv1.ReplicaSet, n int64) {
	before, had := rs.Annotations[revisionAnnotation]
	if _, err := strconv.ParseInt(before, 10, 64); had && err != nil || revision(rs) >= n {
		return
	}
	annotate(rs, revisionAnnotation, strconv.FormatInt(n, 10))
	if had {
		annotate(rs, revisionHistoryAnnotation, appendRevision(rs.Annotations[revisionHistoryAnnotation], before))
	}
}

// appendRevision adds a revision to a history, and drops the oldest ones beyond its longest length.
func appendRevision(history, revision string) string {
	if history == "" {
		return revision
	}
	numbers := append(strings.Split(history, ","), revision)
	for len(numbers) > 1 && len(strings.Join(numbers, ",")) > longestHistory {
		numbers = numbers[1:]
	}
	return strings.Join(numbers, ",")
}

// noteSizes notes on rs what the Deployment's size is.
func noteSizes(rs *oappsv1.ReplicaSet, d *oappsv1.Deployment) {
	annotate(rs, desiredReplicasAnnotation, strconv.Itoa(int(desired(d))))
	annotate(rs, maxReplicasAnnotation, strconv.Itoa(int(maxTotal(d))))
}

// notedSize is a size noted on rs; false where there is none, or nonsense.
func notedSize(rs *oappsv1.ReplicaSet, key string) (int32, bool) {
	n, err := strconv.ParseUint(rs.Annotations[key], 10, 32)
	if err != nil || n > math.MaxInt32 {
		return 0, false
	}
	return int32(n), true
}

func annotate(obj client.Object, key, value string) {
	annotations := obj.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[key] = value
	obj.SetAnnotations(annotations)
}

// cleanUp deletes the old ReplicaSets beyond the history limit, the lowest revisions first. One that still has pods, or may
// have, stays.
func (r *rollout) cleanUp() []step {
	limit, ok := historyLimit(r.d)
	if !ok {
		return nil
	}
	kept := slices.DeleteFunc(slices.Clone(r.oldRSs), func(rs *oappsv1.ReplicaSet) bool { return rs.DeletionTimestamp != nil })
	slices.SortFunc(kept, func(a, b *oappsv1.ReplicaSet) int {
		return cmp.Or(cmp.Compare(revision(a), revision(b)), byAge(a, b))
	})
	var obsolete []*oappsv1.ReplicaSet
	for _, rs := range kept[:max(0, len(kept)-limit)] {
		if existing(rs) == 0 && !lagging(rs) {
			obsolete = append(obsolete, rs)
		}
	}
	if len(obsolete) == 0 {
		return nil
	}
	return []step{cleanup{obsolete, limit}}
}

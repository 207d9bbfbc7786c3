package storageversionmigrator

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/conditions"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	storagemigrationv1 "k8s.io/api/storagemigration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// What the server answers when ConfigMap c1 of three is written, and what becomes of the migration by that.
func TestHowAMigrationEnds(t *testing.T) {
	maps := schema.GroupResource{Resource: "configmaps"}
	for _, test := range []struct {
		name    string
		answers []error
		want    map[storagemigrationv1.MigrationConditionType]string
		again   bool
	}{
		{"well", nil, map[storagemigrationv1.MigrationConditionType]string{
			storagemigrationv1.MigrationRunning: "The migration is running, 3 objects verified migrated", storagemigrationv1.MigrationSucceeded: "Migration completed",
		}, false},
		{"well when an object is gone", []error{apierrors.NewNotFound(maps, "c1")}, map[storagemigrationv1.MigrationConditionType]string{
			storagemigrationv1.MigrationSucceeded: "Migration completed",
		}, false},
		{"well when a conflict was none", []error{apierrors.NewConflict(maps, "c1", errors.New("try again"))}, map[storagemigrationv1.MigrationConditionType]string{
			storagemigrationv1.MigrationSucceeded: "Migration completed",
		}, false},
		{"later when the server has too much to do", []error{apierrors.NewTooManyRequests("later", 1)}, map[storagemigrationv1.MigrationConditionType]string{
			storagemigrationv1.MigrationRunning: "The migration is running, 2/3 objects not yet migrated; transient error: later",
		}, true},
		{"badly when the server refuses the object", []error{apierrors.NewForbidden(maps, "c1", errors.New("a policy"))}, map[storagemigrationv1.MigrationConditionType]string{
			storagemigrationv1.MigrationFailed: `2/3 not yet migrated. migration encountered unhandled error: configmaps "c1" is forbidden: a policy`,
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
				w := looptest.NewWorld(scheme)
				for _, index := range Loop(server).Indexes() {
					if err := w.Index(index.Object, index.Field, index.Values); err != nil {
						t.Fatal(err)
					}
				}
				for i := range 3 {
					w.Put(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: fmt.Sprint("c", i)}})
				}
				running := with(migrationOf("m", resources[0]), w.Now(), running("r"))
				running.Status.ResourceVersion = "3"
				w.Put(running)
				answers := test.answers
				w.Refuse = func(write looptest.Write) error {
					if len(answers) == 0 || write.After == nil || write.After.GetName() != "c1" {
						return nil
					}
					answer := answers[0]
					answers = answers[1:]
					return answer
				}
				passes := Loop(server).Reconciler(loop.Cluster{Client: w.Client("loop"), Clock: w.Clock(), SideBySide: 1})
				result, err := passes.Reconcile(t.Context(), reconcile.Request{NamespacedName: keyOf(running)})
				if err != nil || (result.RequeueAfter > 0) != test.again {
					t.Errorf("the pass ends with %v and %v, want it to look again: %t", result, err, test.again)
				}
				ended := looptest.All[*migration](w)[0]
				for kind, message := range test.want {
					condition, _ := conditions.Meta.Find(ended.Status.Conditions, string(kind))
					if condition.Status != metav1.ConditionTrue || !strings.Contains(condition.Message, message) {
						t.Errorf("the condition %s is %v, want True: %s", kind, condition, message)
					}
				}
			})
		})
	}
}

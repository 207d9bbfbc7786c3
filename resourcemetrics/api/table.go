package api

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/metrics/pkg/apis/metrics"
)

// columns are those of a table of either kind. One that is empty has none, as metrics-server's.
var columns = []metav1.TableColumnDefinition{
	{Name: "Name", Type: "string", Format: "name", Description: "Name of the resource"},
	{Name: "cpu", Type: "string", Format: "quantity"},
	{Name: "memory", Type: "string", Format: "quantity"},
	{Name: "Window", Type: "string", Format: "duration"},
}

// ConvertToTable implements rest.TableConvertor.
func (*nodeMetrics) ConvertToTable(_ context.Context, object, _ runtime.Object) (*metav1.Table, error) {
	switch of := object.(type) {
	case *metrics.NodeMetrics:
		return table(row(of.Name, of.Usage, of.Window, of)), nil
	case *metrics.NodeMetricsList:
		var rows []metav1.TableRow
		for i := range of.Items {
			rows = append(rows, row(of.Items[i].Name, of.Items[i].Usage, of.Items[i].Window, &of.Items[i]))
		}
		return table(rows...), nil
	default:
		return nil, fmt.Errorf("making a table of a %T: it is no metrics of nodes", object)
	}
}

// ConvertToTable implements rest.TableConvertor.
func (*podMetrics) ConvertToTable(_ context.Context, object, _ runtime.Object) (*metav1.Table, error) {
	switch of := object.(type) {
	case *metrics.PodMetrics:
		return table(podRow(of)), nil
	case *metrics.PodMetricsList:
		var rows []metav1.TableRow
		for i := range of.Items {
			rows = append(rows, podRow(&of.Items[i]))
		}
		return table(rows...), nil
	default:
		return nil, fmt.Errorf("making a table of a %T: it is no metrics of pods", object)
	}
}

// podRow tells what the containers of a pod use together.
func podRow(pod *metrics.PodMetrics) metav1.TableRow {
	sum := corev1.ResourceList{}
	for _, c := range pod.Containers {
		for name, quantity := range c.Usage {
			all := sum[name]
			all.Add(quantity)
			sum[name] = all
		}
	}
	return row(pod.Name, sum, pod.Window, pod)
}

func row(name string, usage corev1.ResourceList, window metav1.Duration, object runtime.Object) metav1.TableRow {
	cpu, memory := usage[corev1.ResourceCPU], usage[corev1.ResourceMemory]
	return metav1.TableRow{
		Cells: []any{name, cpu.String(), memory.String(), window.Duration.String()}, Object: runtime.RawExtension{Object: object},
	}
}

func table(rows ...metav1.TableRow) *metav1.Table {
	made := &metav1.Table{Rows: rows}
	if len(rows) > 0 {
		made.ColumnDefinitions = slices.Clone(columns)
	}
	return made
}

// Package tree holds a folder of files as data, so that what a command would write can be shown before it is written, written
// all at once, and taken back.
//
// It promises that [Changes.Apply] leaves the folder as it was when it fails, that it overwrites nothing which somebody else has
// changed meanwhile, and that [Undo] takes nothing out of a file but what it finds there word for word.
//
// It never looks into .git, nor into the folder bin, where the tools of a project are.
package tree

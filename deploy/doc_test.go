// Package deploy has no code: these tests check the files that run Tidemark with the parts around it.
package deploy

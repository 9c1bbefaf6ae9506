package main

func writePictures(directory string, result *scoreResult) error { return nil }

"""Sources of frames: a video file, a camera, an image, a folder of images, arrays. One kind per file."""

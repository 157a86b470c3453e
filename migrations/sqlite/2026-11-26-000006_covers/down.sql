ALTER TABLE edition DROP COLUMN cover;
DROP TABLE image_size;
DROP TABLE stored_image;

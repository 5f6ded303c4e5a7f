#include "image.h"

#include <fstream>
#include <utility>

namespace raster {

void Image::swap(Image& other) noexcept {
    std::swap(width_, other.width_);
    std::swap(height_, other.height_);
    pixels_.swap(other.pixels_);
}

std::unique_ptr<Image> read_ppm(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        throw ImageError("cannot open " + path);
    }
    std::string magic;
    std::size_t width = 0;
    std::size_t height = 0;
    int depth = 0;
    file >> magic >> width >> height >> depth;
    if (magic != "P6" || depth != 255) {
        throw ImageError(path + " is no binary PPM of depth 255");
    }
    file.get();
    auto image = std::make_unique<Image>(width, height);
    for (std::size_t y = 0; y < height; ++y) {
        for (std::size_t x = 0; x < width; ++x) {
            Pixel& pixel = image->at(x, y);
            pixel.red = static_cast<std::uint8_t>(file.get());
            pixel.green = static_cast<std::uint8_t>(file.get());
            pixel.blue = static_cast<std::uint8_t>(file.get());
        }
    }
    // std::move(image) is not needed: a local that is returned moves by itself.
    return image;
}

void write_ppm(const Image& image, const std::string& path) {
    std::ofstream file(path, std::ios::binary);
    file << "P6\n" << image.width() << ' ' << image.height() << "\n255\n";
    for (std::size_t y = 0; y < image.height(); ++y) {
        for (std::size_t x = 0; x < image.width(); ++x) {
            const Pixel& pixel = image.at(x, y);
            file.put(static_cast<char>(pixel.red));
            file.put(static_cast<char>(pixel.green));
            file.put(static_cast<char>(pixel.blue));
        }
    }
    if (!file) {
        throw ImageError("cannot write " + path);
    }
}

}  // namespace raster

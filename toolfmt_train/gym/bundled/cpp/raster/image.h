#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace raster {

struct Pixel {
    std::uint8_t red = 0;
    std::uint8_t green = 0;
    std::uint8_t blue = 0;
};

class ImageError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// Width times height pixels, row by row.
class Image {
public:
    Image(std::size_t width, std::size_t height) : width_(width), height_(height), pixels_(width * height) {}

    std::size_t width() const { return width_; }
    std::size_t height() const { return height_; }

    Pixel& at(std::size_t x, std::size_t y) {
        if (x >= width_ || y >= height_) {
            throw ImageError("at(x, y) is outside of the image");
        }
        return pixels_[y * width_ + x];
    }

    const Pixel& at(std::size_t x, std::size_t y) const { return const_cast<Image*>(this)->at(x, y); }

    void swap(Image& other) noexcept;

private:
    std::size_t width_;
    std::size_t height_;
    std::vector<Pixel> pixels_;
};

std::unique_ptr<Image> read_ppm(const std::string& path);
void write_ppm(const Image& image, const std::string& path);

}  // namespace raster

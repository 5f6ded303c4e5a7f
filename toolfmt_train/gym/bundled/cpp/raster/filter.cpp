#include <algorithm>
#include <functional>
#include <iostream>
#include <utility>
#include <vector>

#include "image.h"

namespace raster {

using Filter = std::function<Pixel(const Image&, std::size_t, std::size_t)>;

Pixel grey(const Image& image, std::size_t x, std::size_t y) {
    const Pixel& pixel = image.at(x, y);
    const auto mean = static_cast<std::uint8_t>((pixel.red + pixel.green + pixel.blue) / 3);
    return Pixel{mean, mean, mean};
}

Pixel invert(const Image& image, std::size_t x, std::size_t y) {
    const Pixel& pixel = image.at(x, y);
    return Pixel{
        static_cast<std::uint8_t>(255 - pixel.red),
        static_cast<std::uint8_t>(255 - pixel.green),
        static_cast<std::uint8_t>(255 - pixel.blue),
    };
}

Image filtered(const Image& image, const Filter& filter) {
    Image result(image.width(), image.height());
    for (std::size_t y = 0; y < image.height(); ++y) {
        for (std::size_t x = 0; x < image.width(); ++x) {
            result.at(x, y) = filter(image, x, y);
        }
    }
    return result;
}

class Pipeline {
public:
    void add(Filter filter) { filters_.push_back(std::move(filter)); }

    Image run(Image image) const {
        for (const auto& filter : filters_) {
            Image next = filtered(image, filter);
            image = std::move(next);
        }
        return image;
    }

private:
    std::vector<Filter> filters_;
};

}  // namespace raster

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "usage: filter IN OUT — std::cerr is all you get\n";
        return 2;
    }
    try {
        raster::Pipeline pipeline;
        pipeline.add(raster::grey);
        pipeline.add(raster::invert);
        auto image = raster::read_ppm(argv[1]);
        raster::write_ppm(pipeline.run(std::move(*image)), argv[2]);
    } catch (const raster::ImageError& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
    return 0;
}

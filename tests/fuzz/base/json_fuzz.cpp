// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/tier.h"
#include "core/base/json.h"

#include <cstdlib>

using namespace portolan;

namespace {

struct Request
{
    Id id = 0;
    std::string text;
    std::optional<double> ratio;
    std::chrono::milliseconds wait{0};
    WallTime at;
    std::vector<Error> errors;
    std::map<Category, std::string> limits;
    boost::json::value any;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(Request, (), (id, text, ratio, wait, at, errors, limits, any))

template <class T> void roundTrip(std::string_view text, JsonMode mode)
{
    const auto read = readJson<T>(text, mode, {8, 256, 64, 20});
    if (read.has_error())
        return;
    const std::string written = writeJson(*read);
    const auto again = readJson<T>(written, JsonMode::Strict, {8, 256, 64, 20});
    if (again.has_error() || writeJson(*again) != written)
        std::abort(); // what was accepted and written must be accepted again, and mean the same
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char *>(data), size);
    roundTrip<Request>(text, JsonMode::Strict);
    roundTrip<Request>(text, JsonMode::Lenient);
    roundTrip<Tier>(text, JsonMode::Lenient);
    return 0;
}

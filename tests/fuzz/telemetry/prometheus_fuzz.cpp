// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/utf8.h"
#include "core/telemetry/prometheus_text.h"

#include <bit>
#include <cstdlib>

using namespace portolan;
using namespace portolan::telemetry;

namespace {

void require(bool holds)
{
    if (!holds)
        std::abort();
}

struct Read
{
    bool whole = true;
    std::vector<PrometheusSample> samples;
};

Read read(std::string_view page, std::size_t piece)
{
    Read read;
    PrometheusReader reader([](std::string_view name) { return name.size() % 3 != 2; },
                            [&](PrometheusSample sample) { read.samples.push_back(std::move(sample)); });
    while (!page.empty() && read.whole) {
        read.whole = reader.feed(page.substr(0, piece)).has_value();
        page.remove_prefix(std::min(piece, page.size()));
    }
    read.whole = read.whole && reader.end().has_value();
    return read;
}

/// NaN is itself here.
bool same(const PrometheusSample &a, const PrometheusSample &b)
{
    const auto bits = [](std::optional<double> value) { return std::bit_cast<std::uint64_t>(value.value_or(-1)); };
    return a.name == b.name && a.labels == b.labels && bits(a.value) == bits(b.value) && bits(a.time) == bits(b.time);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const std::string_view page(reinterpret_cast<const char *>(data), size);
    const Read whole = read(page, page.size() + 1);
    const Read pieces = read(page, 1 + size % 7);
    require(whole.whole == pieces.whole && whole.samples.size() == pieces.samples.size());
    for (std::size_t i = 0; i < whole.samples.size(); ++i) {
        const PrometheusSample &sample = whole.samples[i];
        require(same(sample, pieces.samples[i]) && !sample.name.empty() && sample.labels.size() <= 64);
        for (const auto &label : sample.labels)
            require(!label.name.empty() && isUtf8(label.value));
    }
    return 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/ids.h"
#include "core/base/masking.h"
#include "core/base/tier_file.h"
#include "core/base/time_format.h"
#include "core/base/units.h"

#include <cstdlib>

using namespace portolan;

namespace {

void require(bool holds)
{
    if (!holds)
        std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char *>(data), size);
    if (const auto value = parseDuration(text))
        require(*parseDuration(formatDuration(*value)) == *value);
    if (const auto value = parseSize(text))
        require(*parseSize(formatSize(*value)) == *value);
    if (const auto value = parseTime(text))
        require(formatTime(*parseTime(formatTime(*value))) == formatTime(*value));
    if (const auto value = parseId(text))
        require(formatId(*value) == text);
    if (const auto value = decodeBase64Url(text))
        require(encodeBase64Url(*value) == text);
    const std::string masked = maskSecrets(text);
    require(maskSecrets(masked).size() <= masked.size() + 3 * text.size());
    (void)isSecretName(text);
    (void)parseTier(text, "fuzz");
    return 0;
}

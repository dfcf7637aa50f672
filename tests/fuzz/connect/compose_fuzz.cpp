// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/given_text.h"
#include "core/connect/compose_file.h"
#include "core/connect/compose_redis.h"
#include "core/connect/stack_finder.h"
#include "core/connect/yaml_tree.h"
#include "core/stack/watch_file.h"

#include <algorithm>
#include <cstdlib>

using namespace portolan;
using namespace portolan::connect;

namespace {

void require(bool holds)
{
    if (!holds)
        std::abort();
}

struct Measure
{
    std::size_t nodes = 0;
    std::size_t levels = 0;
};

Measure measure(const YamlNode &node)
{
    Measure all{1, 0};
    const auto add = [&](const YamlNode &inner) {
        const Measure one = measure(inner);
        all.nodes += one.nodes;
        all.levels = std::max(all.levels, one.levels);
    };
    std::ranges::for_each(node.items, add);
    for (const auto &[key, member] : node.members)
        add(member);
    ++all.levels;
    return all;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char *>(data), size);
    // A second file behind a line of its own, which is merged into the first.
    const auto cut = text.find("\n=====\n");
    const std::string_view second = cut == text.npos ? std::string_view() : text.substr(cut + 7);
    const std::string first(text.substr(0, cut));
    if (const auto documents = parseYaml(first, "compose.yml"))
        for (const auto &document : *documents) {
            const Measure all = measure(document);
            require(all.nodes <= 10'001 && all.levels <= 50);
        }
    const BesideReader beside = [&](const std::filesystem::path &path) -> Result<std::string> {
        if (path == "/srv/app.env")
            return std::string(second);
        return failure(ErrorKind::NotFound, "not there");
    };
    std::vector<ComposeText> files{{first, "compose.yml", "/srv"}};
    if (cut != text.npos)
        files.push_back({std::string(second), "override.yml", "/srv"});
    StackEvidence evidence;
    evidence.compose = readCompose(files, {}, beside);
    for (const auto &error : evidence.compose.mistakes)
        require(!error.message.empty() && visible(error.message) == error.message);
    for (const auto &service : evidence.compose.services)
        (void)readRedisService(service);
    Found found;
    findStack(std::move(evidence), found);
    if (!found.watchFile.empty())
        require(stack::parseWatchFile(found.watchFile, "x.toml", stack::ReadFor::Console).mistakes.empty());
    return 0;
}

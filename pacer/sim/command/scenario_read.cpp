/* SPDX-License-Identifier: MIT */
/*
 * Reads scenarios with toml++, which knows the line of every key. The one C++ file: behind a C
 * interface, since the library is a C++ header.
 *
 * A failure is an exception here, with the message in it; none leaves this file.
 */
#include "scenario_file.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <toml++/toml.h>

extern "C" {
#include "scenario.h"
#include "units.h"
}

namespace {

/* Sizes up to which a scenario is taken for sane. */
constexpr size_t MOST_PHASES = SCENARIO_MOST_PHASES;
constexpr size_t MOST_NODES = 100000;
constexpr size_t MOST_SHOWN = 40; /* characters of a value in a message */

struct refusal : std::runtime_error {
    using std::runtime_error::runtime_error;
};

[[noreturn]] void refuse(const toml::source_region &source, const std::string &key,
                         const std::string &given, const std::string &accepted) {
    std::ostringstream text;
    text << source.begin.line << ": " << key << ": " << given << "; accepted: " << accepted;
    throw refusal(text.str());
}

/** A value for a message: its first characters, on one line. */
std::string shown(const toml::node &node) {
    if (node.is_table())
        return "a table";
    if (node.is_array())
        return "a list";
    std::ostringstream text;
    node.visit([&](const auto &value) { text << value; });
    std::string all = text.str();
    if (all.size() > MOST_SHOWN)
        all = all.substr(0, MOST_SHOWN) + "...";
    std::replace_if(
        all.begin(), all.end(), [](unsigned char c) { return c < ' '; }, ' ');
    return all;
}

std::string number(double value) {
    char text[UNITS_TEXT];
    return units_double(value, text);
}

std::string bytes(double value) {
    char text[UNITS_TEXT];
    return units_bytes(value, text);
}

/* ---- What a key accepts, in words --------------------------------------- */

bool is_stream(const scenario_key &key) {
    return key.type == TYPE_STREAM || key.type == TYPE_BYTE_STREAM;
}

bool is_bytes(const scenario_key &key) {
    return key.type == TYPE_BYTES || key.type == TYPE_LIMIT || key.type == TYPE_BYTE_STREAM;
}

std::string accepted(const scenario_key &key) {
    switch (key.type) {
    case TYPE_TEXT:
        return "text of at most " + std::to_string(SCENARIO_TEXT - 1) + " bytes";
    case TYPE_BOOL:
        return "true or false";
    case TYPE_CHOICE: {
        std::string names;
        for (int i = 0; i < MODEL_KINDS; i++)
            names += std::string(i ? ", \"" : "\"") +
                     scenario_model_name(static_cast<model_kind>(i)) + "\"";
        return names;
    }
    case TYPE_GOGC:
        return "\"off\", or a whole number from " + number(key.least) + " to " + number(key.most);
    default:
        break;
    }
    std::string range;
    if (is_bytes(key))
        range = "bytes from " + bytes(key.least) + " to " + bytes(key.most) +
                ", as a number or a text like \"64MiB\"";
    else
        range = std::string(key.type == TYPE_COUNT ? "a whole number" : "a number") + " from " +
                number(key.least) + " to " + number(key.most);
    if (key.type == TYPE_LIMIT)
        return "\"off\", or " + range;
    return is_stream(key) ? range + ", or a stream" : range;
}

std::string names_of(scenario_section section) {
    std::string names;
    for (int i = 0; i < scenario_key_count; i++)
        if (scenario_keys[i].section == section)
            names += std::string(names.empty() ? "" : ", ") + scenario_keys[i].name;
    if (section == SECTION_ROOT)
        names += ", [settings], [machine], [memory], [[phase]]";
    return names;
}

/* ---- Values ------------------------------------------------------------- */

/** A number, or bytes as text where those are meant. */
bool plain_number(const toml::node &node, bool as_bytes, double &value) {
    if (auto text = node.value_exact<std::string>())
        return as_bytes && text->size() < UNITS_TEXT && units_parse_bytes(text->c_str(), &value);
    if (auto whole = node.value_exact<int64_t>()) {
        value = static_cast<double>(*whole);
        return true;
    }
    if (auto real = node.value_exact<double>()) {
        value = *real;
        return std::isfinite(value);
    }
    return false;
}

bool is_off(const toml::node &node) { return node.value_exact<std::string>() == "off"; }

/** Expressions as they are read: children after their parent. */
class stream_reader {
  public:
    std::vector<stream_node> nodes;

    /** The expression in `node`. @return its index. */
    int32_t read(const toml::node &node, const scenario_key &key, int depth) {
        const std::string where = key.name;
        if (depth > STREAM_DEPTH || nodes.size() >= MOST_NODES)
            refuse(node.source(), where, "a stream that is too large",
                   "streams nested " + std::to_string(STREAM_DEPTH) + " deep");
        auto index = static_cast<int32_t>(nodes.size());
        nodes.push_back(
            {STREAM_CONSTANT, 0, 1, 0, 0, -INFINITY, INFINITY, 0, STREAM_NONE, STREAM_NONE});
        if (const toml::table *table = node.as_table()) {
            read_kind(*table, index, key, depth);
        } else if (!plain_number(node, is_bytes(key), nodes[index].amount)) {
            refuse(node.source(), where, shown(node), accepted(key));
        }
        return index;
    }

  private:
    struct kind {
        const char *name;
        stream_kind value;
        const char *length; /* name of its length, or NULL */
    };
    static constexpr kind KINDS[] = {
        {"constant", STREAM_CONSTANT, nullptr}, {"ramp", STREAM_RAMP, "length"},
        {"unit", STREAM_UNIT, "length"},        {"oscillate", STREAM_OSCILLATE, "period"},
        {"random", STREAM_RANDOM, "every"},     {"sum", STREAM_SUM, nullptr},
    };

    static const kind &kind_of(const toml::table &table, const scenario_key &key) {
        const kind *found = nullptr;
        for (const kind &candidate : KINDS)
            if (table.contains(candidate.name)) {
                if (found)
                    refuse(table.source(), key.name,
                           std::string("a stream that is both ") + found->name + " and " +
                               candidate.name,
                           "one of them; a sum of several");
                found = &candidate;
            }
        if (!found)
            refuse(table.source(), key.name, "a table of no stream",
                   "constant, ramp, unit, oscillate, random or sum");
        return *found;
    }

    void read_kind(const toml::table &table, int32_t index, const scenario_key &key, int depth) {
        const kind &is = kind_of(table, key);
        nodes[index].kind = is.value;
        for (auto &&[name, value] : table) {
            const std::string text(name.str());
            const std::string where = std::string(key.name) + "." + text;
            if (text == is.name) {
                if (is.value == STREAM_SUM)
                    read_sum(value, index, key, depth);
                else
                    read_number(value, where, is_bytes(key), -1e300, nodes[index].amount);
            } else if (is.length && text == is.length) {
                read_number(value, where, false, 1e-6, nodes[index].length);
            } else if (is.value == STREAM_OSCILLATE && text == "phase") {
                read_number(value, where, false, -1e6, nodes[index].phase);
            } else if (is.value == STREAM_RANDOM && text == "seed") {
                double seed = 0;
                read_number(value, where, false, 0, seed);
                nodes[index].seed = static_cast<uint64_t>(std::min(seed, 9007199254740992.0));
            } else if (text == "delay") {
                read_number(value, where, false, 0, nodes[index].delay);
            } else if (text == "min") {
                read_number(value, where, is_bytes(key), -1e300, nodes[index].least);
            } else if (text == "max") {
                read_number(value, where, is_bytes(key), -1e300, nodes[index].most);
            } else {
                refuse(value.source(), where, "no such key",
                       std::string(is.name) + (is.length ? std::string(", ") + is.length : "") +
                           (is.value == STREAM_OSCILLATE ? ", phase" : "") +
                           (is.value == STREAM_RANDOM ? ", seed" : "") + ", delay, min, max");
            }
        }
        if (!(nodes[index].least <= nodes[index].most))
            refuse(table.source(), key.name, "a stream whose min is above its max",
                   "min up to max");
    }

    static void read_number(const toml::node &node, const std::string &where, bool as_bytes,
                            double least, double &into) {
        double value;
        if (!plain_number(node, as_bytes, value) || value < least || std::fabs(value) > 1e300)
            refuse(node.source(), where, shown(node),
                   std::string(as_bytes ? "a number or a text like \"64MiB\"" : "a number") +
                       (least > -1e6 ? " from " + number(least) : std::string()));
        into = value;
    }

    void read_sum(const toml::node &node, int32_t index, const scenario_key &key, int depth) {
        const toml::array *terms = node.as_array();
        if (!terms || terms->empty())
            refuse(node.source(), std::string(key.name) + ".sum", shown(node), "a list of streams");
        int32_t last = STREAM_NONE;
        for (const toml::node &term : *terms) {
            int32_t child = read(term, key, depth + 1);
            (last == STREAM_NONE ? nodes[index].first : nodes[last].next) = child;
            last = child;
        }
    }
};

void read_text(const toml::node &node, const scenario_key &key, char *field) {
    auto text = node.value_exact<std::string>();
    if (!text || text->size() >= SCENARIO_TEXT || text->find('\0') != std::string::npos)
        refuse(node.source(), key.name, shown(node), accepted(key));
    std::memcpy(field, text->c_str(), text->size() + 1);
}

void read_choice(const toml::node &node, const scenario_key &key, model_kind *field) {
    auto text = node.value_exact<std::string>();
    for (int i = 0; i < MODEL_KINDS; i++)
        if (text && *text == scenario_model_name(static_cast<model_kind>(i))) {
            *field = static_cast<model_kind>(i);
            return;
        }
    refuse(node.source(), key.name, shown(node), accepted(key));
}

void read_number(const toml::node &node, const scenario_key &key, void *field) {
    double value;
    if ((key.type == TYPE_GOGC || key.type == TYPE_LIMIT) && is_off(node))
        value =
            key.type == TYPE_GOGC ? GAIT_PACER_GOGC_OFF : static_cast<double>(GAIT_PACER_NO_LIMIT);
    else if (!plain_number(node, is_bytes(key), value) || value < key.least || value > key.most ||
             (key.type != TYPE_NUMBER && !is_stream(key) && std::floor(value) != value))
        refuse(node.source(), key.name, shown(node), accepted(key));
    switch (key.type) {
    case TYPE_NUMBER:
        *static_cast<double *>(field) = value;
        break;
    case TYPE_GOGC:
        *static_cast<int32_t *>(field) = static_cast<int32_t>(value);
        break;
    case TYPE_STREAM:
    case TYPE_BYTE_STREAM:
        *static_cast<stream *>(field) = {value, STREAM_NONE};
        break;
    default:
        *static_cast<int64_t *>(field) = value >= static_cast<double>(GAIT_PACER_NO_LIMIT)
                                             ? GAIT_PACER_NO_LIMIT
                                             : static_cast<int64_t>(value);
    }
}

/* ---- Sections ----------------------------------------------------------- */

const scenario_key *find_key(scenario_section section, std::string_view name) {
    for (int i = 0; i < scenario_key_count; i++)
        if (scenario_keys[i].section == section && name == scenario_keys[i].name)
            return &scenario_keys[i];
    return nullptr;
}

class scenario_reader {
  public:
    scenario result;
    std::vector<scenario_phase> phases;
    stream_reader streams;

    void read(const toml::table &root) {
        scenario_init(&result);
        for (auto &&[name, node] : root) {
            if (name == "phase")
                read_phases(node);
            else if (!read_named_section(name.str(), node))
                read_key(SECTION_ROOT, &result, name.str(), node);
        }
        if (phases.empty())
            refuse(root.source(), "phase", "none", "one [[phase]] or more");
    }

  private:
    bool read_named_section(std::string_view name, const toml::node &node) {
        static constexpr scenario_section NAMED[] = {SECTION_SETTINGS, SECTION_MACHINE,
                                                     SECTION_MEMORY};
        for (scenario_section section : NAMED)
            if (name == scenario_section_name(section)) {
                read_section(section, fields_of(section), node);
                return true;
            }
        return false;
    }

    void *fields_of(scenario_section section) { return scenario_fields(&result, section, 0); }

    void read_section(scenario_section section, void *into, const toml::node &node) {
        const toml::table *table = node.as_table();
        if (!table)
            refuse(node.source(), scenario_section_name(section), shown(node), "a table");
        for (auto &&[name, value] : *table)
            read_key(section, into, name.str(), value);
    }

    void read_phases(const toml::node &node) {
        const toml::array *list = node.as_array();
        if (!list || list->size() > MOST_PHASES)
            refuse(node.source(), "phase", shown(node),
                   "up to " + std::to_string(MOST_PHASES) + " tables [[phase]]");
        for (const toml::node &element : *list) {
            phases.emplace_back();
            scenario_init_phase(&phases.back());
            read_section(SECTION_PHASE, &phases.back(), element);
        }
    }

    void read_key(scenario_section section, void *into, std::string_view name,
                  const toml::node &node) {
        const scenario_key *key = find_key(section, name);
        if (!key)
            refuse(node.source(), std::string(name.substr(0, MOST_SHOWN)), "no such key",
                   names_of(section));
        void *field = static_cast<char *>(into) + key->offset;
        if (key->type == TYPE_TEXT) {
            read_text(node, *key, static_cast<char *>(field));
        } else if (key->type == TYPE_CHOICE) {
            read_choice(node, *key, static_cast<model_kind *>(field));
        } else if (key->type == TYPE_BOOL) {
            auto value = node.value_exact<bool>();
            if (!value)
                refuse(node.source(), key->name, shown(node), accepted(*key));
            *static_cast<bool *>(field) = *value;
        } else if (is_stream(*key) && node.is_table()) {
            *static_cast<stream *>(field) = {0, streams.read(node, *key, 1)};
        } else {
            read_number(node, *key, field);
        }
    }
};

/** A copy that free() releases; NULL for none. */
template <typename T> T *copied(const std::vector<T> &list) {
    if (list.empty())
        return nullptr;
    auto *copy = static_cast<T *>(std::malloc(list.size() * sizeof(T)));
    if (!copy)
        throw std::bad_alloc();
    std::copy(list.begin(), list.end(), copy);
    return copy;
}

std::string contents(const char *path) {
    std::string text;
    char piece[65536];
    std::FILE *file = std::fopen(path, "rb");
    errno = file ? 0 : errno;
    for (size_t got; file && (got = std::fread(piece, 1, sizeof(piece), file)) > 0;)
        text.append(piece, got);
    int error = errno; /* fread's or fopen's */
    if (file)
        std::fclose(file);
    if (error != 0)
        throw refusal(std::string(" ") + std::strerror(error));
    return text;
}

} // namespace

bool scenario_read(const char *path, struct scenario *scenario, char message[SCENARIO_MESSAGE]) {
    try {
        toml::table root = toml::parse(contents(path), std::string_view(path));
        scenario_reader reader;
        reader.read(root);
        *scenario = reader.result;
        scenario->phases = copied(reader.phases);
        scenario->phase_count = static_cast<int32_t>(reader.phases.size());
        scenario->nodes = copied(reader.streams.nodes);
        scenario->node_count = static_cast<int32_t>(reader.streams.nodes.size());
        return true;
    } catch (const toml::parse_error &error) {
        std::snprintf(message, SCENARIO_MESSAGE, "%s:%u: not TOML: %s", path,
                      static_cast<unsigned>(error.source().begin.line), error.what());
    } catch (const std::exception &error) {
        std::snprintf(message, SCENARIO_MESSAGE, "%s:%s", path, error.what());
    }
    for (char *c = message; *c; c++)
        if (static_cast<unsigned char>(*c) < ' ')
            *c = ' ';
    return false;
}

void scenario_free(struct scenario *scenario) {
    std::free(scenario->phases);
    std::free(scenario->nodes);
    scenario->phases = nullptr;
    scenario->nodes = nullptr;
}

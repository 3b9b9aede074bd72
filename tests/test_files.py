"""Which files are looked at, how they are decoded, and what they are called."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rea_lint import files
from rea_lint.config import Config, UserError, load
from rea_lint.discovery import Discovery, discover
from rea_lint.text import Span
from rea_lint.worlds import worlds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Write = Callable[[Mapping[str, str | bytes]], Path]

R = "import restate\n"


def discovered(root: Path, *paths: str, **config: object) -> Discovery:
    return discover([root / path for path in paths or (".",)], load(root, isolated=True, overrides=config))


def names(root: Path, *paths: str, **config: object) -> dict[str, str]:
    """Candidates, by path below the root -> module."""
    return {os.path.relpath(file.path, root): file.module for file in discovered(root, *paths, **config).files}


def reported(root: Path, *paths: str, **config: object) -> set[str]:
    return {os.path.relpath(path, root) for path in discovered(root, *paths, **config).reported}


class TestGate:
    @pytest.mark.parametrize(
        ("text", "is_candidate"),
        [
            ("import restate\n", True),
            ("from services import greeter\n@greeter.handler()\nasync def f(ctx): ...\n", True),
            ("@greeter.handler('x')\nasync def f(ctx): ...\n", True),
            ("@flow.main()\nasync def f(ctx): ...\n", True),
            ("greeter.handler('x')(f)\n", True),
            ("log.handler = 1\n", False),
            ("import os\n", False),
            ("unittest.main()\n", False),
            ("", False),
        ],
    )
    def test_a_candidate_mentions_restate_or_registers(self, tree: Write, text: str, *, is_candidate: bool) -> None:
        assert ("a.py" in names(tree({"a.py": text, "b.py": R}))) is is_candidate

    def test_what_a_candidate_imports_is_a_candidate_and_so_on(self, tree: Write) -> None:
        root = tree({"a.py": R + "import b", "b.py": "from c import d", "c.py": "d = 1", "e.py": "import a"})
        assert set(names(root)) == {"a.py", "b.py", "c.py"}

    def test_other_frameworks_have_handlers_too(self, tree: Write) -> None:
        root = tree({"app.py": "@bus.handler()\nasync def order(event): ...\n", "other.py": ""})
        assert names(root) == {}
        (root / "other.py").write_text("import restate\n")
        assert set(names(root)) == {"app.py", "other.py"}

    def test_a_configuration_may_know_handlers_where_nothing_mentions_restate(self, tree: Write) -> None:
        root = tree({"app.py": "@ours.handler()\nasync def order(ctx): ...\n", "rea-lint.toml": "[handlers]\n'ours.handler' = 'service'\n"})
        assert {Path(file.path).name for file in discover([root], load(root)).files} == {"app.py"}

    def test_users_of_a_projects_own_handler_decorator_are_candidates(self, tree: Write) -> None:
        root = tree(
            {
                "framework.py": R + "svc = restate.Service('s')\ndef durable(f):\n    return svc.handler()(f)\n",
                "orders.py": "from framework import durable\n\n@durable\nasync def order(ctx): ...\n",
                "other.py": "@cached\ndef f(): ...\n",
                "mail.py": "durable = True\n",
            }
        )
        assert set(names(root)) == {"framework.py", "orders.py"}

    def test_a_registration_that_is_kept_in_a_variable_is_a_decorator_too(self, tree: Write) -> None:
        root = tree({"a.py": R + "endpoint = svc.handler\n", "b.py": "import a\n@a.endpoint()\nasync def f(ctx): ...\n"})
        assert set(names(root)) == {"a.py", "b.py"}

    def test_decorators_around_decorators_are_followed(self, tree: Write) -> None:
        root = tree(
            {
                "a.py": R + "def inner(f):\n    return svc.handler()(f)\n",
                "b.py": "@inner\ndef x(): ...\ndef outer(f):\n    return registry.handler()(f)\n",
                "c.py": "@outer\ndef y(): ...\n",
            }
        )
        assert set(names(root)) == {"a.py", "b.py", "c.py"}

    def test_a_file_that_is_named_is_a_candidate(self, tree: Write) -> None:
        assert set(names(tree({"a.py": "", "b.py": ""}), "a.py")) == {"a.py"}

    def test_imports_are_found_in_every_form(self, tree: Write) -> None:
        root = tree(
            {
                "main.py": R
                + "import a, b as bb\nfrom c import (\n    x,  # why\n    y,\n)\nfrom d import \\\n    z\n"
                + "def f():\n    import e\n    try: import g\n    except ImportError: pass\nif TYPE_CHECKING: from h import T\nx = 1; import i\n"
                + "import pkg.sub.deep\nfrom pkg2 import module\nfrom pkg3 import *\n",
                **{f"{name}.py": "x = y = z = T = 1" for name in "abcdeghi"},
                **dict.fromkeys(("pkg/__init__.py", "pkg/sub/__init__.py", "pkg/sub/deep.py", "pkg2/__init__.py", "pkg2/module.py"), ""),
                "pkg3/__init__.py": "from .star import *",
                "pkg3/star.py": "",
            }
        )
        assert len(names(root)) == 1 + 8 + 3 + 2 + 2

    def test_folders_that_have_only_the_file_system_in_common_are_projects_of_their_own(self, tree: Write) -> None:
        root = tree({"a/x.py": R, "b/y.py": R})
        found = discover([root / "a", root / "b"], load(Path(os.sep), isolated=True))
        assert {file.module for file in found.files} == {"x", "y"}


class TestWalk:
    def test_what_git_ignores_is_left_out(self, tree: Write) -> None:
        root = tree(
            {
                ".gitignore": "*_pb.py\n/gen/\nlogs/**/x.py\n!keep_pb.py\n# comment\n\nonlydir/\n\\!odd.py\n",
                "a.py": R,
                "a_pb.py": R,
                "keep_pb.py": R,
                "gen/x.py": R,
                "sub/gen/x.py": R,
                "logs/1/2/x.py": R,
                "logs/1/2/y.py": R,
                "onlydir.py": R,
                "deep/onlydir/x.py": R,
                "!odd.py": R,
            }
        )
        assert reported(root) == {"a.py", "keep_pb.py", "sub/gen/x.py", "logs/1/2/y.py", "onlydir.py"}

    def test_a_nested_gitignore_is_relative_to_its_folder_and_wins(self, tree: Write) -> None:
        root = tree(
            {
                ".gitignore": "*_gen.py\n",
                "sub/.gitignore": "!b_gen.py\n/only.py\n",
                "sub/a_gen.py": R,
                "sub/b_gen.py": R,
                "sub/only.py": R,
                "sub/deep/only.py": R,
            }
        )
        assert reported(root) == {"sub/b_gen.py", "sub/deep/only.py"}

    def test_nothing_below_an_ignored_folder_comes_back(self, tree: Write) -> None:
        root = tree({".gitignore": "out\n!out/keep.py\n", "out/keep.py": R, "a.py": R})
        assert reported(root) == {"a.py"}

    def test_the_rules_are_gits(self, tree: Write) -> None:
        lines = [
            "*.tmp.py",
            "!important.tmp.py",
            "a/*/c",
            "**/z",
            "x/**",
            "!x/keep",
            "b[0-9].py",
            "sp\\ ace.py",
            "trail.py  ",
            "d?r/",
            "/top.py",
        ]
        paths = ["1.tmp.py", "important.tmp.py", "a/b/c/q.py", "a/b/d/q.py", "m/n/z/q.py", "x/q.py", "x/keep/q.py", "b1.py", "bx.py"]
        paths += ["sp ace.py", "trail.py", "dir/q.py", "sub/dir/q.py", "dxxr/q.py", "top.py", "sub/top.py", "ok.py"]
        root = tree({".gitignore": "\n".join(lines), **dict.fromkeys(paths, R)})
        subprocess.run(["git", "init", "-q", str(root)], check=True)
        listed = subprocess.run(
            ["git", "-C", str(root), "ls-files", "-co", "--exclude-standard", "*.py"], check=True, capture_output=True, text=True
        )
        assert reported(root) == set(listed.stdout.split("\n")) - {""}

    def test_the_repository_above_counts_and_its_private_excludes(self, tree: Write) -> None:
        root = tree(
            {
                ".git/info/exclude": "secret.py\n",
                ".gitignore": "skipped.py\n",
                "app/pyproject.toml": "[tool.rea-lint]\n",
                "app/a.py": R,
                "app/secret.py": R,
                "app/skipped.py": R,
            }
        )
        found = discover([root / "app"], load(root / "app"))
        assert {Path(path).name for path in found.reported} == {"a.py"}

    def test_git_need_not_be_respected(self, tree: Write) -> None:
        assert reported(tree({".gitignore": "a.py", "a.py": R}), **{"respect-gitignore": False}) == {"a.py"}

    def test_environments_and_builds_are_left_out(self, tree: Write) -> None:
        root = tree({"a.py": R, ".venv/x.py": R, "build/x.py": R, "node_modules/x.py": R, "env/pyvenv.cfg": "", "env/lib/x.py": R})
        assert reported(root) == {"a.py"}

    def test_excludes_are_patterns_below_the_root(self, tree: Write) -> None:
        root = tree({"a.py": R, "gen/a.py": R, "sub/gen/a.py": R, "b_pb2.py": R})
        assert reported(root, **{"extend-exclude": ["/gen", "*_pb2.py"]}) == {"a.py", "sub/gen/a.py"}

    def test_gitignore_cannot_bring_back_what_is_excluded(self, tree: Write) -> None:
        assert reported(tree({".gitignore": "!build/\n", "build/x.py": R})) == set()

    def test_what_is_named_is_read_even_if_excluded(self, tree: Write) -> None:
        root = tree({"build/x.py": R, "build/y.py": R, "pyproject.toml": ""})
        assert reported(root, "build/x.py") == {"build/x.py"}
        assert reported(root, "build") == {"build/x.py", "build/y.py"}

    def test_unless_excludes_are_forced(self, tree: Write) -> None:
        root = tree({"build/x.py": R, "a.py": R, "gen/.gitignore": "*.py", "gen/x.py": R})
        found = discover([root / "build/x.py", root / "a.py", root / "gen/x.py"], load(root, isolated=True), force_exclude=True)
        assert {Path(path).name for path in found.reported} == {"a.py"}

    def test_paths_choose_what_is_reported_not_what_is_read(self, tree: Write) -> None:
        root = tree({"pyproject.toml": "", "a/x.py": R, "b/y.py": R})
        found = discovered(root, "a")
        assert {Path(file.path).name for file in found.files} == {"x.py", "y.py"}
        assert {Path(path).name for path in found.reported} == {"x.py"}
        assert found.looked_at == 1

    def test_a_path_outside_of_the_project_is_a_project_of_its_own(self, tree: Write) -> None:
        root = tree({"in/pyproject.toml": "", "in/a.py": R, "out/pyproject.toml": "", "out/b.py": R + "import c", "out/c.py": ""})
        found = discover([root / "out/b.py"], load(root / "in", isolated=True))
        assert {Path(file.path).name for file in found.files} == {"b.py", "c.py"}

    def test_beside_a_single_file_outside_of_any_project_only_what_it_imports_is_walked(self, tree: Write) -> None:
        root = tree({"a.py": R + "from near import x", "near/x.py": "", "far/y.py": R})
        assert set(names(root, "a.py")) == {"a.py", "near/x.py"}

    def test_a_path_that_does_not_exist_is_the_users_mistake(self, tree: Write) -> None:
        with pytest.raises(UserError, match=r"nowhere\.py: there is no such file or folder"):
            discovered(tree({}), "nowhere.py")

    def test_only_python_is_read(self, tree: Write) -> None:
        root = tree({"a.pyi": R, "b.ipynb": R, "c.md": R, "script": "#!/usr/bin/env python3\n" + R, "other": "#!/bin/sh\n" + R, "d.py": R})
        assert reported(root) == {"d.py"}
        assert reported(root, "a.pyi", "b.ipynb", "c.md", "script", "other") == {"script"}

    def test_loops_of_links_end_and_a_file_is_read_once(self, tree: Write) -> None:
        root = tree({"pkg/a.py": R})
        (root / "pkg/loop").symlink_to(root, target_is_directory=True)
        (root / "again.py").symlink_to(root / "pkg/a.py")
        (root / "dangling.py").symlink_to(root / "nowhere.py")
        assert reported(root) == {"pkg/a.py"}

    def test_imports_go_through_links_in_the_project(self, tree: Write) -> None:
        root = tree({"libs/common/db.py": "def query(): ...", "service/main.py": R + "from common.db import query"})
        (root / "service/common").symlink_to(root / "libs/common", target_is_directory=True)
        assert set(names(root)) == {"libs/common/db.py", "service/main.py"}

    def test_links_to_folders_elsewhere_are_followed(self, tree: Write) -> None:
        root = tree({"project/pyproject.toml": "", "shared/a.py": R})
        (root / "project/shared").symlink_to(root / "shared", target_is_directory=True)
        assert reported(root / "project") == {"shared/a.py"}

    def test_standard_input_takes_the_place_of_a_file(self, tree: Write) -> None:
        root = tree({"pyproject.toml": "", "a.py": "", "b.py": "def f(): ..."})
        for name in ("a.py", "new.py"):
            found = discover([], load(root, isolated=True), given={str(root / name): R + "from b import f"})
            assert {Path(file.path).name for file in found.files} == {name, "b.py"}
            assert {Path(path).name for path in found.reported} == {name}

    @pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="needs files that cannot be read")
    def test_a_file_without_permission_is_broken(self, tree: Write) -> None:
        root = tree({"a.py": R})
        (root / "a.py").chmod(0)
        assert discovered(root).files[0].broken is not None

    def test_a_file_that_cannot_be_read_is_broken(self, tree: Write) -> None:
        text, _, broken = files.read(str(tree({})))
        assert text is None
        assert broken is not None
        assert broken.message == "The file cannot be read: Is a directory"


class TestDecode:
    @pytest.mark.parametrize(
        ("data", "text", "encoding"),
        [
            (b"x = 1\n", "x = 1\n", "utf-8"),
            ("x = 'ä€😀'\n".encode(), "x = 'ä€😀'\n", "utf-8"),
            (b"\xef\xbb\xbfx\n", "x\n", "utf-8-sig"),
            (b"\xef\xbb\xbf# coding: utf-8\n", "# coding: utf-8\n", "utf-8-sig"),
            (b"a\r\nb\rc\n\x0cd\n", "a\r\nb\rc\n\x0cd\n", "utf-8"),
            (b"# -*- coding: latin-1 -*-\nx = '\xe4'\n", "# -*- coding: latin-1 -*-\nx = 'ä'\n", "latin-1"),
            (
                b"#!/usr/bin/python\r\n# vim: set fileencoding=cp1252 :\r\nx = '\x80'",
                "#!/usr/bin/python\r\n# vim: set fileencoding=cp1252 :\r\nx = '€'",
                "cp1252",
            ),
            (b"\n# coding: latin-1\nx = '\xe4'", "\n# coding: latin-1\nx = 'ä'", "latin-1"),
            (b"x = 1\n# coding: latin-1\n", "x = 1\n# coding: latin-1\n", "utf-8"),
            (b"\n\n# coding: latin-1\n", "\n\n# coding: latin-1\n", "utf-8"),
            (b"", "", "utf-8"),
        ],
    )
    def test_as_python_does_and_back(self, data: bytes, text: str, encoding: str) -> None:
        assert files.decode(data) == (text, encoding, None)
        assert text.encode(encoding) == data

    @pytest.mark.parametrize(
        ("data", "message", "span"),
        [
            (b"x = '\xe4'\n", "Byte 0xe4 is not UTF-8", Span(5, 6)),
            ("ä = 1\n".encode() + b"\xff", "Byte 0xff is not UTF-8", Span(6, 7)),
            (b"# coding: ascii\n\xe4", "Byte 0xe4 is not ASCII", Span(16, 17)),
            (b"# coding: klingon\n", "There is no text encoding `klingon`", Span(10, 17)),
            (b"\n# coding: klingon\n", "There is no text encoding `klingon`", Span(11, 18)),
            (b"# coding: rot13\n", "There is no text encoding `rot13`", Span(10, 15)),
            (b"\xef\xbb\xbf# coding: latin-1\n", "The file begins with the mark of UTF-8, but says that it is `latin-1`", Span(10, 17)),
            (b"x = 1\0\n", "The file has a null byte, which Python does not read", Span(5, 6)),
            ("x = 1\n".encode("utf-16"), "The file is UTF-16, which Python does not read; save it as UTF-8", Span(0, 0)),
        ],
    )
    def test_what_python_cannot_decode_is_broken(self, data: bytes, message: str, span: Span) -> None:
        text, _, broken = files.decode(data)
        assert broken is not None
        assert (broken.message, broken.span) == (message, span)
        assert len(text) >= span.end


class TestNames:
    def test_a_package_is_named_from_above_it(self, tree: Write) -> None:
        root = tree({"shop/__init__.py": R, "shop/orders/__init__.py": "import restate", "shop/orders/charge.py": R})
        assert names(root) == {
            "shop/__init__.py": "shop",
            "shop/orders/__init__.py": "shop.orders",
            "shop/orders/charge.py": "shop.orders.charge",
        }

    def test_a_src_folder_is_a_root(self, tree: Write) -> None:
        root = tree(
            {"pyproject.toml": "", "src/shop/__init__.py": "", "src/shop/a.py": R + "from shop.b import f", "src/shop/b.py": "def f(): ..."}
        )
        assert names(root)["src/shop/b.py"] == "shop.b"

    def test_tests_find_the_package_in_src(self, tree: Write) -> None:
        root = tree({"pyproject.toml": "", "src/shop/a.py": "def f(): ...", "tests/deep/test_a.py": R + "from shop.a import f"})
        assert names(root)["src/shop/a.py"] == "shop.a"

    def test_a_folder_without_init_is_a_package_if_it_is_imported_as_one(self, tree: Write) -> None:
        root = tree(
            {
                "main.py": R + "from app.greeter import f",
                "app/greeter.py": "from app.utils import g\ndef f(): ...",
                "app/utils.py": "def g(): ...",
            }
        )
        assert names(root) == {"main.py": "main", "app/greeter.py": "app.greeter", "app/utils.py": "app.utils"}

    def test_or_if_its_files_import_relatively(self, tree: Write) -> None:
        root = tree({"app/greeter.py": R + "from .utils import g", "app/utils.py": "def g(): ..."})
        assert names(root) == {"app/greeter.py": "app.greeter", "app/utils.py": "app.utils"}

    def test_a_script_folder_is_a_root(self, tree: Write) -> None:
        root = tree(
            {"scripts/run.py": R + "from helper import g\nimport other", "scripts/helper.py": "def g(): ...", "scripts/other.py": ""}
        )
        assert names(root) == {"scripts/run.py": "run", "scripts/helper.py": "helper", "scripts/other.py": "other"}

    def test_files_of_an_installed_package_run_as_scripts_find_each_other(self, tree: Write) -> None:
        root = tree({"app/__init__.py": "", "app/main.py": R + "from utils import g", "app/utils.py": "def g(): ..."})
        assert names(root)["app/utils.py"] == "utils"

    def test_a_distribution_elsewhere_in_the_repository_is_found(self, tree: Write) -> None:
        root = tree(
            {
                "libs/common/pyproject.toml": "",
                "libs/common/src/common/db.py": "def query(): ...",
                "services/pay/main.py": R + "from common.db import query",
            }
        )
        assert names(root)["libs/common/src/common/db.py"] == "common.db"

    def test_a_configured_root_is_searched(self, tree: Write) -> None:
        root = tree({"lib/python/common/db.py": "def query(): ...", "app/main.py": R + "from common.db import query"})
        assert "lib/python/common/db.py" not in names(root)
        assert names(root, **{"source-roots": [str(root / "lib/python")]})["lib/python/common/db.py"] == "common.db"

    @pytest.mark.parametrize(
        "layout",
        [
            {"app/openai.py": "from openai import OpenAI", "app/main.py": R + "from openai import OpenAI"},
            {"agents/triage.py": R + "from agents import Agent"},
            {"app/random.py": R, "app/main.py": R + "import random"},
            {"app/__init__.py": "", "app/redis.py": "x = 1", "app/main.py": R + "import redis"},
            {"examples/langfuse/main.py": R + "from langfuse import get_client"},
            {"fakes/requests/__init__.py": "def get(): ...", "app/main.py": R + "import requests"},
            {"kit/__init__.py": "", "kit/ext/pydantic/__init__.py": "x = 1", "kit/ext/main.py": R + "from pydantic import BaseModel"},
        ],
        ids=str,
    )
    def test_a_library_is_not_mistaken_for_a_file_of_its_name(self, tree: Write, layout: dict[str, str]) -> None:
        for file in discovered(tree(layout)).files:
            assert not [
                module
                for module, _ in file.imports
                if module in {"openai", "agents", "random", "redis", "langfuse", "requests", "pydantic"}
            ]

    def test_nothing_takes_the_name_of_the_standard_library(self, tree: Write) -> None:
        assert names(tree({"app/random.py": R})) == {"app/random.py": "app.random"}


def meant(root: Path) -> list[dict[str, str]]:
    """For each world: module -> file."""
    return [{file.module: os.path.relpath(file.path, root) for file in world} for world in worlds(discovered(root).files)]


class TestWorlds:
    def test_applications_whose_modules_do_not_clash_are_linked_together(self, tree: Write) -> None:
        root = tree({"a/one.py": R, "b/two.py": R})
        assert meant(root) == [{"one": "a/one.py", "two": "b/two.py"}]

    def test_applications_whose_modules_clash_are_not(self, tree: Write) -> None:
        root = tree({f"{app}/main.py": R + "import utils\n" for app in "ab"} | {f"{app}/utils.py": "" for app in "ab"})
        assert [set(world.values()) for world in meant(root)] == [{"a/main.py", "a/utils.py"}, {"b/main.py", "b/utils.py"}]

    def test_a_module_of_one_is_not_the_library_of_another(self, tree: Write) -> None:
        root = tree({"a/main.py": R + "from stripe import charge\n", "a/stripe.py": "def charge(): ...", "b/pay.py": R + "import stripe\n"})
        assert [set(world.values()) for world in meant(root)] == [{"a/main.py", "a/stripe.py"}, {"b/pay.py"}]

    def test_what_several_applications_import_is_in_the_world_of_each(self, tree: Write) -> None:
        app = R + "from common.db import query\nfrom utils import g\n"
        root = tree(
            {
                "libs/common/pyproject.toml": "",
                "libs/common/src/common/db.py": "def query(): ...",
                **{f"{name}/main.py": app for name in ("pay", "ship")},
                **{f"{name}/utils.py": "def g(): ..." for name in ("pay", "ship")},
            }
        )
        shared = "libs/common/src/common/db.py"
        assert [set(world.values()) for world in meant(root)] == [
            {"pay/main.py", "pay/utils.py", shared},
            {"ship/main.py", "ship/utils.py", shared},
        ]

    def test_a_file_that_is_imported_by_two_names_has_both(self, tree: Write) -> None:
        root = tree({"app/a.py": R + "from app.utils import g", "app/b.py": R + "from utils import g", "app/utils.py": "def g(): ..."})
        (world,) = meant(root)
        assert (world["app.utils"], world["utils"]) == ("app/utils.py", "app/utils.py")

    def test_files_made_by_hand_are_one_world(self) -> None:
        made = [files.File(path=f"/{name}.py", module=name, text="") for name in "cab"]
        assert [[file.module for file in world] for world in worlds(made)] == [["a", "b", "c"]]

    def test_the_same_files_give_the_same_worlds_in_any_order(self, tree: Write) -> None:
        found = discovered(tree({f"{app}/{name}.py": R + "import utils\n" for app in "abcd" for name in ("main", "utils")})).files
        assert worlds(found) == worlds(found[::-1])


def test_files_that_have_nothing_to_do_with_restate_are_not_even_decoded(tree: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tree({f"m{i}.py": "import os\n" for i in range(20)})
    monkeypatch.setattr(files, "decode", lambda _: pytest.fail("decoded"))
    assert discover([root], Config(root=root)).looked_at == 20


@given(
    st.binary() | st.text().map(str.encode) | st.sampled_from([b"# coding: utf-7\n+", b"# coding: idna\n\xff", b"# coding: undefined\n"])
)
def test_no_bytes_raise_and_what_is_not_broken_gives_its_bytes_again(data: bytes) -> None:
    text, encoding, broken = files.decode(data)
    if broken is None and encoding in {"utf-8", "utf-8-sig"}:
        assert text.encode(encoding) == data
    if broken is not None:
        assert 0 <= broken.span.start <= broken.span.end <= len(text)


@pytest.mark.parametrize(
    "text", ["from" + " " * 50_000, "import " + "a," * 50_000, ": " * 50_000, "from . " * 20_000, "import " + "\\\n" * 50_000], ids=len
)
def test_imports_are_looked_for_in_linear_time(tree: Write, text: str) -> None:
    assert len(discovered(tree({"a.py": R + text})).files) == 1
